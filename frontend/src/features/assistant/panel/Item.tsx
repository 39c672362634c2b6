"use client";
/** One item of a conversation, whatever its type. */
import { useState, type ReactNode } from "react";
import {
  CheckIcon,
  CopyIcon,
  FileIcon,
  ImageIcon,
  RetryIcon,
  ThumbDownIcon,
  ThumbUpIcon,
} from "@/components/icons";
import { scriptClass } from "@/lib/i18n/script";
import { isMark, reasonOf } from "../bridge/incomplete";
import type {
  AssistantMessageItem,
  Attachment,
  ThreadItem,
  UserMessageItem,
} from "../bridge/protocol";
import { useChat } from "../ChatProvider";
import { useTexts } from "../useTexts";
import { Incomplete } from "./Incomplete";
import { Markdown } from "./Markdown";
import { safeHref, Sources } from "./Sources";
import { StructuredInputCard } from "./StructuredInputCard";
import type { ConversationControl } from "./useConversation";
import type { Outgoing } from "./useRequests";
import { Widget } from "./widget/Widget";
import { TraceStep, WorkflowTrace } from "./WorkflowTrace";

interface Props {
  item: ThreadItem;
  control: ConversationControl;
  /** Whether the item is still being written. */
  isOpen: boolean;
  isBusy: boolean;
  /** The message to answer again, where that is offered. */
  retryId: string | undefined;
  /** Whether going on is offered, where the answer is not whole. */
  canGoOn: boolean;
}

export function Item(props: Props) {
  const { item, control, isOpen, isBusy } = props;
  const { t } = useTexts();
  switch (item.type) {
    case "user_message":
      return <UserMessage item={item} />;
    case "assistant_message":
      return <AssistantMessage {...props} item={item} />;
    case "workflow":
      return (
        <Row type={item.type}>
          <WorkflowTrace workflow={item.workflow} isOpen={isOpen} />
        </Row>
      );
    case "task":
      return (
        <Row type={item.type}>
          <TraceStep step={item.task} />
        </Row>
      );
    case "widget":
      return (
        <Row type={item.type}>
          <Widget
            widget={item.widget}
            disabled={isBusy}
            onAction={(action) => control.act(item.id, action)}
          />
        </Row>
      );
    case "structured_input":
      return (
        <Row type={item.type}>
          <StructuredInputCard
            item={item}
            disabled={isBusy}
            onAnswer={(answers) => control.answer(item.id, answers)}
          />
        </Row>
      );
    case "generated_image": {
      const source = item.image && safeImage(item.image.url);
      return (
        <Row type={item.type}>
          {source ? (
            // eslint-disable-next-line @next/next/no-img-element -- generated, of unknown size
            <img src={source} alt={t("chat.image")} className="max-w-full rounded-2xl" />
          ) : (
            <span className="animate-breathe block aspect-square w-48 rounded-2xl bg-sunken" />
          )}
        </Row>
      );
    }
    default:
      // Calls of client tools, hidden context and ends of runs have nothing to show.
      return null;
  }
}

function Row({ type, children }: { type: string; children: ReactNode }) {
  return (
    <li data-item={type} className="animate-appear min-w-0">
      {children}
    </li>
  );
}

function safeImage(url: string): string | undefined {
  return url.startsWith("data:image/") ? url : safeHref(url);
}

function UserMessage({ item }: { item: UserMessageItem }) {
  const words = item.content.map(({ text }) => text).join("");
  return (
    <Bubble type="user_message" attachments={item.attachments} quoted={item.quoted_text}>
      {words}
    </Bubble>
  );
}

export function OutgoingMessage({ text, attachments }: Outgoing) {
  return (
    <Bubble type="outgoing" attachments={attachments} isPending>
      {text}
    </Bubble>
  );
}

interface BubbleProps {
  type: string;
  attachments: readonly Attachment[];
  quoted?: string | null;
  isPending?: boolean;
  children: string;
}

function Bubble({ type, attachments, quoted, isPending = false, children }: BubbleProps) {
  const { t, language } = useTexts();
  return (
    <li data-item={type} className="flex flex-col items-end gap-1.5 ps-10">
      <span className="sr-only">{t("chat.you")}:</span>
      {attachments.length > 0 && (
        <ul className="flex flex-wrap justify-end gap-1.5">
          {attachments.map((attachment) => (
            <li
              key={attachment.id}
              className="flex items-center gap-1.5 rounded-lg border border-line px-2.5 py-1.5 text-xs"
            >
              {attachment.type === "image" ? <ImageIcon size={14} /> : <FileIcon size={14} />}
              <span dir="auto" className="max-w-52 truncate">
                {attachment.name}
              </span>
            </li>
          ))}
        </ul>
      )}
      {quoted && (
        <blockquote dir="auto" className="border-s-2 border-line ps-3 text-sm text-muted">
          {quoted}
        </blockquote>
      )}
      {children && (
        <p
          dir="auto"
          className={`max-w-full rounded-2xl rounded-ee-md px-4 py-2 break-words whitespace-pre-wrap transition-colors ${scriptClass(
            children,
            language.typeface,
          )} ${isPending ? "bg-sunken" : "bg-brand-soft"}`}
        >
          {children}
        </p>
      )}
    </li>
  );
}

function AssistantMessage({
  item,
  isOpen,
  retryId,
  canGoOn,
  control,
}: Omit<Props, "item"> & { item: AssistantMessageItem }) {
  const { t } = useTexts();
  const sources = item.content.flatMap(({ annotations }) =>
    (annotations ?? []).filter((each) => !isMark(each)).map(({ source }) => source),
  );
  const reason = isOpen ? null : reasonOf(item);
  const retry = retryId ? () => control.retry(retryId) : undefined;
  const words = item.content.map(({ text }) => text).join("\n\n");
  return (
    <li data-item={item.type} data-open={isOpen} className="min-w-0">
      <span className="sr-only">{t("chat.assistant")}:</span>
      {item.content.map((part, index) => (
        <Markdown key={index} text={part.text} />
      ))}
      <Sources sources={sources} />
      {reason && (
        <Incomplete
          reason={reason}
          onContinue={canGoOn ? () => control.send(t("chat.continue_message"), []) : undefined}
          onRetry={canGoOn ? retry : undefined}
        />
      )}
      {!isOpen && words && (
        <MessageActions item={item} words={words} onRetry={reason && canGoOn ? undefined : retry} />
      )}
    </li>
  );
}

function MessageActions({
  item,
  words,
  onRetry,
}: {
  item: AssistantMessageItem;
  words: string;
  onRetry: (() => void) | undefined;
}) {
  const { t } = useTexts();
  const { client } = useChat();
  const [copied, setCopied] = useState(false);
  const [feedback, setFeedback] = useState<"positive" | "negative" | null>(null);

  async function copy() {
    try {
      await navigator.clipboard.writeText(words);
      setCopied(true);
      setTimeout(() => setCopied(false), 2_000);
    } catch {
      // The browser keeps the clipboard to itself; the words can still be selected.
    }
  }

  async function judge(kind: "positive" | "negative") {
    const before = feedback;
    setFeedback(kind);
    try {
      await client.giveFeedback(item.thread_id, item.id, kind);
    } catch {
      setFeedback(before);
    }
  }

  const look = "icon-btn size-8";
  return (
    <div className="-ms-2 mt-1 flex items-center">
      <button
        type="button"
        className={look}
        aria-label={t(copied ? "chat.copied" : "chat.copy")}
        title={t("chat.copy")}
        onClick={() => void copy()}
      >
        {copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
      </button>
      <button
        type="button"
        className={`${look} ${feedback === "positive" ? "text-brand-strong" : ""}`}
        aria-label={t("chat.good")}
        title={t("chat.good")}
        aria-pressed={feedback === "positive"}
        onClick={() => void judge("positive")}
      >
        <ThumbUpIcon size={16} />
      </button>
      <button
        type="button"
        className={`${look} ${feedback === "negative" ? "text-brand-strong" : ""}`}
        aria-label={t("chat.bad")}
        title={t("chat.bad")}
        aria-pressed={feedback === "negative"}
        onClick={() => void judge("negative")}
      >
        <ThumbDownIcon size={16} />
      </button>
      {onRetry && (
        <button
          type="button"
          className={look}
          aria-label={t("chat.retry")}
          title={t("chat.retry")}
          onClick={onRetry}
        >
          <RetryIcon size={16} />
        </button>
      )}
      <span role="status" className="ms-1.5 text-xs text-muted">
        {feedback && t("chat.feedback_thanks")}
      </span>
    </div>
  );
}
