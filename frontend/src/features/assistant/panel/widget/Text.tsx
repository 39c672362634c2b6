"use client";
/** Words of a widget, plain: titles, text, captions, labels. */
import type { WidgetNode } from "../../bridge/protocol";
import { isUrduScript } from "@/lib/i18n/language";
import { text } from "./node";
import { textStyle } from "./styles";

export function Title({ node }: { node: WidgetNode }) {
  return (
    <p dir="auto" className="text-base font-semibold" style={textStyle(node)}>
      {text(node.value)}
    </p>
  );
}

export function Text({ node }: { node: WidgetNode }) {
  return (
    <p
      dir="auto"
      className={`break-words ${isUrduScript(text(node.value)) ? "script-urdu" : ""} ${
        node.type === "Caption" ? "text-xs text-muted" : ""
      } ${node.lineThrough ? "text-muted line-through" : ""} ${node.italic ? "italic" : ""} ${
        node.truncate ? "truncate" : ""
      }`}
      style={textStyle(node)}
    >
      {text(node.value)}
    </p>
  );
}
