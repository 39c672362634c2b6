"use client";
/** Where a statement comes from. Only web addresses become links. */
import { FileIcon, GlobeIcon } from "@/components/icons";
import type { Source } from "../bridge/protocol";
import { useTexts } from "../useTexts";
import { LinkHost } from "./LinkHost";

export function safeHref(url: string | undefined): string | undefined {
  if (!url || !URL.canParse(url)) return undefined;
  return /^(https?|mailto):$/.test(new URL(url).protocol) ? url : undefined;
}

export function Sources({ sources }: { sources: readonly Source[] }) {
  const { t } = useTexts();
  if (sources.length === 0) return null;
  return (
    <ul aria-label={t("chat.sources")} className="mt-1.5 flex flex-wrap gap-1.5">
      {sources.map((source, index) => {
        const href = safeHref(source.url);
        const inner = (
          <>
            {source.type === "url" ? <GlobeIcon size={13} /> : <FileIcon size={13} />}
            <span dir="auto" className="max-w-52 truncate">
              {source.title || source.filename}
            </span>
            <LinkHost href={href} words={source.title || source.filename || ""} />
          </>
        );
        const look = "flex items-center gap-1.5 rounded-full bg-sunken px-2.5 py-1 text-xs";
        return (
          <li key={index}>
            {href ? (
              <a
                href={href}
                target="_blank"
                rel="noopener noreferrer nofollow"
                className={`${look} text-brand-strong hover:underline`}
              >
                {inner}
              </a>
            ) : (
              <span className={`${look} text-muted`}>{inner}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
