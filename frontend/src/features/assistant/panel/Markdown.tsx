"use client";
/**
 * Text written by a model, as Markdown: no raw HTML, links that say where they go, no remote images.
 */
import type { Element } from "hast";
import { memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { scriptClass } from "@/lib/i18n/script";
import { isolateListWords } from "../bridge/markdown-lists";
import { useTexts } from "../useTexts";
import { LinkHost } from "./LinkHost";

const REMARK_PLUGINS = [remarkGfm];
const REHYPE_PLUGINS = [isolateListWords];

const COMPONENTS: Components = {
  a: ({ href, children, node }) => (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
      <LinkHost href={href} words={node ? wordsOf(node) : ""} />
    </a>
  ),
  // An image's address could carry what the model has read; its words are enough.
  img: ({ alt }) => <span>{alt}</span>,
};

/** What is seen of a part of the text. */
function wordsOf(node: Element): string {
  const words = node.children.map((child) => {
    if (child.type === "text") return child.value;
    if (child.type !== "element") return "";
    return child.tagName === "img" ? String(child.properties.alt ?? "") : wordsOf(child);
  });
  return words.join("");
}

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const { language } = useTexts();
  return (
    <div dir="auto" className={`prose break-words ${scriptClass(text, language.typeface)}`}>
      <ReactMarkdown
        remarkPlugins={REMARK_PLUGINS}
        rehypePlugins={REHYPE_PLUGINS}
        components={COMPONENTS}
        skipHtml
      >
        {text}
      </ReactMarkdown>
    </div>
  );
});
