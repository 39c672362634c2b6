"use client";
/**
 * Our own panel: the same protocol and the same backend as OpenAI's component, for whoever cannot
 * load that. Loaded only when it is needed.
 */
import { useEffect, useRef, useState } from "react";
import { ClockIcon, ComposeIcon } from "@/components/icons";
import { written } from "@/lib/text";
import { useChat } from "../ChatProvider";
import { useTexts } from "../useTexts";
import { Composer } from "./Composer";
import { History } from "./History";
import { Transcript } from "./Transcript";
import { useConversation } from "./useConversation";

export default function ChatPanel() {
  const { t } = useTexts();
  const { focusComposer } = useChat();
  const control = useConversation();
  const [showsHistory, setShowsHistory] = useState(false);
  const historyButton = useRef<HTMLButtonElement>(null);
  const { conversation, phase } = control;
  const title = written(conversation.thread?.title) || t("chat.untitled");

  // On a page of its own nobody asks for the focus, and nothing else has it.
  useEffect(() => {
    if (document.activeElement === document.body) focusComposer();
  }, [focusComposer]);

  function closeHistory() {
    setShowsHistory(false);
    requestAnimationFrame(() => historyButton.current?.focus());
  }

  return (
    <div className="flex min-h-0 flex-1 flex-col" data-phase={phase}>
      <div className="flex h-12 shrink-0 items-center gap-1 border-b border-line ps-5 pe-3 short:h-10">
        <p dir="auto" className="flex-1 truncate text-sm text-muted" title={title}>
          {showsHistory ? t("chat.history") : title}
        </p>
        <button
          ref={historyButton}
          type="button"
          className="icon-btn"
          aria-expanded={showsHistory}
          aria-label={t(showsHistory ? "chat.back" : "chat.history")}
          title={t(showsHistory ? "chat.back" : "chat.history")}
          onClick={() => setShowsHistory(!showsHistory)}
        >
          <ClockIcon />
        </button>
        <button
          type="button"
          className="icon-btn"
          aria-label={t("chat.new")}
          title={t("chat.new")}
          onClick={() => {
            control.startNew();
            setShowsHistory(false);
            focusComposer();
          }}
        >
          <ComposeIcon />
        </button>
      </div>
      {showsHistory ? (
        <History
          currentId={conversation.thread?.id ?? null}
          onOpen={(id) => {
            void control.open(id);
            closeHistory();
          }}
          onGone={(id) => {
            if (id === conversation.thread?.id) control.startNew();
          }}
          onClose={closeHistory}
        />
      ) : (
        <>
          <Transcript control={control} />
          <Composer control={control} />
        </>
      )}
    </div>
  );
}
