"use client";
/** The conversation itself: every item, what is happening now, and what went wrong. */
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { RetryIcon } from "@/components/icons";
import { ProblemNote } from "@/components/ProblemNote";
import { firstName } from "@/lib/text";
import { reasonOf } from "../bridge/incomplete";
import type { ThreadItem } from "../bridge/protocol";
import { useChat } from "../ChatProvider";
import { useHost } from "../host";
import { useTexts } from "../useTexts";
import { Item, OutgoingMessage } from "./Item";
import { Notice } from "./Notice";
import type { ConversationControl } from "./useConversation";
import { NamedIcon } from "./widget/NamedIcon";

/** So near to the end, new words keep the end in view. */
const NEAR_PX = 120;

export function Transcript({ control }: { control: ConversationControl }) {
  const { t } = useTexts();
  const { baseUrl } = useHost();
  const { help } = useChat();
  const { conversation, phase, outgoing, failed, stopped } = control;
  const { items, progress, error, notices } = conversation;
  const scroller = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && (sticks.current || outgoing)) element.scrollTop = element.scrollHeight;
  }, [conversation, outgoing, phase, failed, help]);

  const lastUserId = items.findLast((item) => item.type === "user_message")?.id;
  const lastAnswerId = items.findLast((item) => item.type === "assistant_message")?.id;
  const isBusy = phase !== "idle" && phase !== "loading";
  const isEmpty = items.length === 0 && !outgoing && !failed && phase === "idle";
  const last = items.at(-1);
  const isMarked = last?.type === "assistant_message" && reasonOf(last) !== null;
  const isSilent =
    phase === "answering" && (outgoing !== null || !last || !conversation.open.has(last.id));

  return (
    <div
      ref={scroller}
      className="relative min-h-0 flex-1 overflow-y-auto overscroll-contain"
      onScroll={({ currentTarget: element }) => {
        sticks.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
      }}
      tabIndex={0}
      role="region"
      aria-label={t("chat.messages")}
    >
      {isEmpty && <Start control={control} />}
      {control.hasEarlier && (
        <div className="pt-4 text-center">
          <button
            type="button"
            className="btn btn-quiet"
            onClick={() => void control.loadEarlier()}
          >
            {t("chat.earlier")}
          </button>
        </div>
      )}
      {/* Announcing each token would drown a listener; finished answers are announced below. */}
      <div role="log" aria-live="off" aria-busy={isBusy} aria-label={t("chat.messages")}>
        <ol className={isEmpty ? "hidden" : "space-y-5 px-5 py-5"}>
          {phase === "loading" && items.length === 0 && (
            <li className="space-y-3" role="status">
              <span className="sr-only">{t("assistant.loading")}</span>
              <span className="animate-breathe ms-auto block h-9 w-1/2 rounded-2xl bg-sunken" />
              <span className="animate-breathe block h-4 w-4/5 rounded-full bg-sunken" />
              <span className="animate-breathe block h-4 w-3/5 rounded-full bg-sunken" />
            </li>
          )}
          {items.map((item) => (
            <Item
              key={item.id}
              item={item}
              control={control}
              isOpen={conversation.open.has(item.id)}
              isBusy={isBusy}
              retryId={!isBusy && item.id === lastAnswerId ? lastUserId : undefined}
              canGoOn={!isBusy && item === last && !error}
            />
          ))}
          {outgoing && <OutgoingMessage {...outgoing} />}
          {(isSilent || (isBusy && progress)) && phase !== "stopping" && (
            <li className="flex items-center gap-2.5 text-sm text-muted" data-testid="progress">
              <span className="animate-turn size-4 rounded-full border-2 border-line border-t-brand-strong" />
              <span dir="auto">{progress?.text ?? t("chat.thinking")}</span>
            </li>
          )}
          {phase === "reconnecting" && (
            <li
              role="status"
              data-testid="reconnecting"
              className="animate-appear rounded-xl bg-warn-soft px-4 py-2.5 text-sm text-warn"
            >
              {t("chat.reconnecting")}
            </li>
          )}
          {phase === "stopping" && (
            <li role="status" className="text-sm text-muted">
              {t("chat.stopping")}
            </li>
          )}
          {notices.map((notice, index) => (
            <Notice key={index} notice={notice} />
          ))}
          {stopped && phase === "idle" && !error && (
            <li
              role="status"
              className={isMarked ? "sr-only" : "text-sm text-muted"}
              data-testid="stopped"
            >
              <p>{t("chat.stopped")}</p>
              {last?.type === "user_message" && (
                <button
                  type="button"
                  className="btn btn-quiet mt-2.5"
                  onClick={() => control.retry(last.id)}
                >
                  <RetryIcon size={15} />
                  {t("chat.retry")}
                </button>
              )}
            </li>
          )}
          {error && !isBusy && (
            <li
              role="alert"
              data-testid="run-error"
              className="animate-appear rounded-xl border border-[#f1d3cf] bg-bad-soft px-4 py-3 text-sm text-bad"
            >
              <p dir="auto">{error.message || t("chat.error")}</p>
              {error.allow_retry && lastUserId && (
                <button
                  type="button"
                  className="btn btn-quiet mt-2.5"
                  onClick={() => control.retry(lastUserId)}
                >
                  <RetryIcon size={15} />
                  {t("chat.try_again")}
                </button>
              )}
            </li>
          )}
          {failed && (
            <li>
              <ProblemNote
                problem={failed.problem}
                url={baseUrl}
                brief={help?.kind === failed.problem.kind}
                onRetry={failed.again}
                onDismiss={control.dismissFailure}
              />
            </li>
          )}
        </ol>
      </div>
      <Announcer control={control} />
    </div>
  );
}

/** Reads a finished answer aloud, once. */
function Announcer({ control }: { control: ConversationControl }) {
  const [words, setWords] = useState("");
  const { runs, conversation } = control;
  const items = useRef<readonly ThreadItem[]>([]);
  useEffect(() => {
    items.current = conversation.items;
  });
  useEffect(() => {
    if (runs === 0) return;
    const last = items.current.findLast((item) => item.type === "assistant_message");

    setWords(last?.content.map(({ text }) => text).join("\n") ?? "");
  }, [runs]);
  return (
    <p aria-live="polite" className="sr-only" dir="auto">
      {words}
    </p>
  );
}

function Start({ control }: { control: ConversationControl }) {
  const { t } = useTexts();
  const { user, prompts } = useHost();
  return (
    <div className="animate-appear flex min-h-full flex-col justify-end px-5 pt-10 pb-3">
      <p dir="auto" className="mb-6 text-xl font-semibold tracking-tight text-balance">
        {t("assistant.greeting", { name: firstName(user.name) })}
      </p>
      <ul className="-mx-3 space-y-1">
        {prompts.map(({ label, prompt, icon }) => (
          <li key={label}>
            <button
              type="button"
              className="flex w-full items-center gap-3 rounded-xl px-3 py-2.5 text-start text-sm transition-colors hover:bg-sunken"
              onClick={() => control.send(prompt, [])}
            >
              <NamedIcon name={icon} size={18} className="text-brand-strong" />
              {label}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
