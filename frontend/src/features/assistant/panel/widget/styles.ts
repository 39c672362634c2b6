/** Layout and type as widgets name them, in CSS. */
import type { CSSProperties } from "react";
import type { WidgetNode } from "../../bridge/protocol";
import { text } from "./node";

const SIDES: Readonly<Record<string, string>> = {
  start: "flex-start",
  end: "flex-end",
  center: "center",
  baseline: "baseline",
  stretch: "stretch",
  between: "space-between",
  around: "space-around",
  evenly: "space-evenly",
};

export function flexAlign(value: unknown): string | undefined {
  return SIDES[text(value)];
}

/** A number is in units of 4 px, as in ChatKit; text is CSS. */
function space(value: unknown): string | undefined {
  return typeof value === "number" ? `${value * 4}px` : text(value) || undefined;
}

function length(value: unknown): string | undefined {
  return typeof value === "number" ? `${value}px` : text(value) || undefined;
}

export function boxStyle(node: WidgetNode): CSSProperties {
  const isRow = node.type === "Row" || (node.type !== "Col" && node.direction === "row");
  return {
    display: "flex",
    minWidth: 0,
    flexDirection: isRow ? "row" : "column",
    alignItems: flexAlign(node.align) ?? (isRow ? "center" : "stretch"),
    justifyContent: flexAlign(node.justify),
    flexWrap: node.wrap as CSSProperties["flexWrap"],
    flex: typeof node.flex === "number" || typeof node.flex === "string" ? node.flex : undefined,
    gap: space(node.gap ?? 2),
    padding: typeof node.padding === "object" ? undefined : space(node.padding),
    width: length(node.width),
    maxWidth: "100%",
  };
}

export function textStyle(node: WidgetNode): CSSProperties {
  const weights: Readonly<Record<string, number>> = {
    normal: 400,
    medium: 500,
    semibold: 600,
    bold: 700,
  };
  return {
    fontWeight: weights[text(node.weight)],
    textAlign: text(node.textAlign) ? (text(node.textAlign) as "start") : undefined,
    width: length(node.width),
    minWidth: 0,
  };
}
