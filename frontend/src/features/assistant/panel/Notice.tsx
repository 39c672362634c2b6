"use client";
/** A notice of the server's: not part of the conversation, and gone with the next run. */
import { AlertIcon, InfoIcon } from "@/components/icons";
import type { NoticeEvent } from "../bridge/protocol";
import { useTexts } from "../useTexts";
import { Markdown } from "./Markdown";

const LOOKS = {
  info: "bg-sunken text-ink",
  warning: "bg-warn-soft text-warn",
  danger: "bg-bad-soft text-bad",
} as const;

export function Notice({ notice }: { notice: NoticeEvent }) {
  const { t } = useTexts();
  const Icon = notice.level === "info" ? InfoIcon : AlertIcon;
  return (
    <li
      role={notice.level === "danger" ? "alert" : "status"}
      aria-label={t("chat.notice")}
      data-notice={notice.level}
      className={`animate-appear flex gap-2.5 rounded-xl px-4 py-3 text-sm ${LOOKS[notice.level]}`}
    >
      <Icon size={17} className="mt-0.5 shrink-0 nastaliq:mt-1.5" />
      <div className="min-w-0 flex-1">
        {notice.title && (
          <p dir="auto" className="font-semibold">
            {notice.title}
          </p>
        )}
        <Markdown text={notice.message} />
      </div>
    </li>
  );
}
