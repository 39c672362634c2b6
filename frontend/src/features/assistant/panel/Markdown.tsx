"use client";
/** Text written by a model, as Markdown: no raw HTML, links that leave safely, no remote images. */
import { memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { scriptClass } from "@/lib/i18n/script";
import { isolateListWords } from "../bridge/markdown-lists";
import { useTexts } from "../useTexts";

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
