"use client";
/** A list and its rows, each of which may be pressed as a whole. */
import { useState, type CSSProperties, type ReactNode } from "react";
import type { WidgetNode } from "../../bridge/protocol";
import { useTexts } from "../../useTexts";
import { actionOf } from "./actions";
import { childrenOf, type NodeProps } from "./node";
import { StatusLine } from "./StatusLine";
import { flexAlign } from "./styles";

/** The rows shown of a long list until the rest is asked for. */
const ROWS_SHOWN = 10;

interface ListProps {
  node: WidgetNode;
  renderRow: (row: WidgetNode) => ReactNode;
}

export function ListView({ node, renderRow }: ListProps) {
  const { t } = useTexts();
  const rows = childrenOf(node);
  const limit = typeof node.limit === "number" ? node.limit : ROWS_SHOWN;
  const [all, setAll] = useState(false);
  const visible = all ? rows : rows.slice(0, limit);
  return (
    <div className="card overflow-hidden shadow-none">
      <StatusLine status={node.status} className="border-b border-line px-4 py-2.5" />
      <ul className="divide-y divide-line">
        {visible.map((row, index) => (
          <li key={row.key ?? row.id ?? index}>{renderRow(row)}</li>
        ))}
      </ul>
      {visible.length < rows.length && (
        <button
          type="button"
          className="w-full border-t border-line px-4 py-2.5 text-start text-sm font-semibold text-brand-strong hover:bg-sunken"
          onClick={() => setAll(true)}
        >
          {t("chat.show_all", { count: rows.length })}
        </button>
      )}
    </div>
  );
}

interface ItemProps extends NodeProps {
  children: ReactNode;
}

export function ListItem({ node, disabled, onAction, children }: ItemProps) {
  const action = actionOf(node.onClickAction);
  const style: CSSProperties = { alignItems: flexAlign(node.align) ?? "center", gap: "0.75rem" };
  const look = "flex w-full px-4 py-2.5 text-start";
  if (!action) {
    return (
      <div className={look} style={style}>
        {children}
      </div>
    );
  }
  return (
    <button
      type="button"
      disabled={disabled}
      className={`${look} transition-colors hover:bg-sunken`}
      style={style}
      onClick={() => onAction(action)}
    >
      {children}
    </button>
  );
}
