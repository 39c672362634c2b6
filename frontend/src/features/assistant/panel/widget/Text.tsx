"use client";
/** Words of a widget, plain: titles, text, captions, labels. */
import { scriptClass } from "@/lib/i18n/script";
import type { WidgetNode } from "../../bridge/protocol";
import { useTexts } from "../../useTexts";
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
  const { language } = useTexts();
  return (
    <p
      dir="auto"
      className={`break-words ${scriptClass(text(node.value), language.typeface)} ${
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
