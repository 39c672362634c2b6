"use client";
/** Text written by a model, as Markdown: no raw HTML, links that leave safely, no remote images. */
import { memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { isolateListWords } from "../bridge/markdown-lists";
import { isUrduScript } from "@/lib/i18n/language";

const REMARK_PLUGINS = [remarkGfm];
const REHYPE_PLUGINS = [isolateListWords];

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ),
  // An image's address could carry what the model has read; its words are enough.
  img: ({ alt }) => <span>{alt}</span>,
};

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <div dir="auto" className={`prose break-words ${isUrduScript(text) ? "script-urdu" : ""}`}>
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
