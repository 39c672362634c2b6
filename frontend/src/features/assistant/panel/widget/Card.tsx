"use client";
/** A card, which may be folded away and may be a form that its own buttons send. */
import { useState, type ReactNode } from "react";
import { Form } from "@/components/Form";
import type { Action } from "../../bridge/protocol";
import { useTexts } from "../../useTexts";
import { withForm } from "./actions";
import type { NodeProps } from "./node";
import { StatusLine } from "./StatusLine";

interface CardAction {
  label: string;
  action: Action;
}

interface Props extends NodeProps {
  children: ReactNode;
}

export function Card({ node, disabled, onAction, children }: Props) {
  const { t } = useTexts();
  const confirm = node.confirm as CardAction | undefined;
  const cancel = node.cancel as CardAction | undefined;
  const [collapsed, setCollapsed] = useState(Boolean(node.collapsed));
  const inner = (
    <>
      <StatusLine status={node.status} />
      {collapsed ? (
        <button
          type="button"
          className="font-semibold text-brand-strong"
          onClick={() => setCollapsed(false)}
        >
          {t("chat.more")}
        </button>
      ) : (
        children
      )}
      {(confirm || cancel) && (
        <div className="mt-1 flex flex-wrap gap-2">
          {confirm && (
            <button
              type={node.asForm ? "submit" : "button"}
              className="btn btn-primary"
              disabled={disabled}
              onClick={node.asForm ? undefined : () => onAction(confirm.action)}
            >
              {confirm.label}
            </button>
          )}
          {cancel && (
            <button
              type="button"
              className="btn btn-quiet"
              disabled={disabled}
              onClick={() => onAction(cancel.action)}
            >
              {cancel.label}
            </button>
          )}
        </div>
      )}
    </>
  );
  const look = "card flex flex-col gap-2.5 p-4 shadow-none";
  return node.asForm ? (
    <Form className={look} onSend={(form) => confirm && onAction(withForm(confirm.action, form))}>
      {inner}
    </Form>
  ) : (
    <div className={look}>{inner}</div>
  );
}
