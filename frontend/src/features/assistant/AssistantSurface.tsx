"use client";
/** OpenAI's ChatKit or our own panel, with what stands in the way said above it. */
import { ChatKit } from "@openai/chatkit-react";
import { lazy, Suspense } from "react";
import { InfoIcon } from "@/components/icons";
import { Note } from "@/components/ProblemNote";
import { useChat } from "./ChatProvider";
import { helpWords } from "./help";
import { useHost } from "./host";
import { useTexts } from "./useTexts";

// Our own panel, with its Markdown, is loaded by those who need it.
const ChatPanel = lazy(() => import("./panel/ChatPanel"));

export function AssistantSurface() {
  const texts = useTexts();
  const { t } = texts;
  const { baseUrl } = useHost();
  const { panel, help, clearHelp, recheck, control, takeLocal, tryChatKit } = useChat();

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {help && (
        <Note
          kind={help.kind}
          words={helpWords(texts, help, baseUrl)}
          requestId={help.problem?.requestId}
          onRetry={() => {
            if (help.kind !== "domain_key") return void recheck();
            clearHelp();
            tryChatKit();
          }}
          onDismiss={clearHelp}
          className="m-3 shrink-0"
        />
      )}
      {panel === "fallback" && help?.kind !== "domain_key" && (
        <p className="flex shrink-0 items-start gap-2 border-b border-line bg-sunken px-4 py-2 text-xs text-muted">
          <InfoIcon size={15} className="mt-px shrink-0 nastaliq:mt-1.5" />
          <span>
            {t("assistant.fallback")}{" "}
            <button
              type="button"
              onClick={tryChatKit}
              className="font-semibold text-brand-strong underline underline-offset-2"
            >
              {t("assistant.fallback_retry")}
            </button>
          </span>
        </p>
      )}
      {(panel === "fallback" || panel === "local") && (
        <Suspense fallback={<Skeleton />}>
          <ChatPanel />
        </Suspense>
      )}
      {(panel === "loading" || panel === "chatkit") && (
        <div className="relative min-h-0 flex-1">
          <ChatKit control={control} className="block h-full w-full" />
          {panel === "loading" && (
            <div className="absolute inset-0 flex flex-col bg-surface">
              <Skeleton />
              <button type="button" className="btn btn-quiet mx-auto mb-6" onClick={takeLocal}>
                {t("assistant.use_local")}
              </button>
            </div>
          )}
        </div>
      )}
    </div>
  );
}

function Skeleton() {
  const { t } = useTexts();
  return (
    <div role="status" className="flex flex-1 flex-col justify-end gap-3 p-5">
      <span className="sr-only">{t("assistant.loading")}</span>
      <span className="animate-breathe h-4 w-3/5 rounded-full bg-sunken" />
      <span className="animate-breathe h-4 w-2/5 rounded-full bg-sunken" />
      <span className="animate-breathe mt-4 h-14 rounded-2xl bg-sunken" />
    </div>
  );
}
