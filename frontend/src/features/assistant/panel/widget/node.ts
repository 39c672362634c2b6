/** A widget's node, read with care: a server may leave out any property, or send another type. */
import type { WidgetNode } from "../../bridge/protocol";
import type { OnAction } from "./actions";

export interface NodeProps {
  node: WidgetNode;
  disabled: boolean;
  onAction: OnAction;
}

export function childrenOf(node: WidgetNode): WidgetNode[] {
  const { children } = node;
  if (!children) return [];
  return Array.isArray(children) ? children : [children];
}

export const text = (value: unknown) => (typeof value === "string" ? value : "");
