"use client";
/** A word in a coloured box. */
import type { WidgetNode } from "../../bridge/protocol";
import { text } from "./node";

const BADGE_COLOURS: Readonly<Record<string, string>> = {
  success: "bg-[#e6f4f2] text-good",
  warning: "bg-warn-soft text-warn",
  danger: "bg-bad-soft text-bad",
  info: "bg-brand-soft text-brand-strong",
  discovery: "bg-brand-soft text-brand-strong",
};

export function Badge({ node }: { node: WidgetNode }) {
  const colour = BADGE_COLOURS[text(node.color)] ?? "bg-sunken text-muted";
  return (
    <span
      dir="auto"
      className={`inline-block shrink-0 rounded-md px-2 py-0.5 text-xs font-medium ${colour}`}
    >
      {text(node.label)}
    </span>
  );
}
