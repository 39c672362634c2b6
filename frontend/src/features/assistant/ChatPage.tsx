"use client";
/** The assistant as a page of its own. */
import { useEffect } from "react";
import { SparkIcon } from "@/components/icons";
import { AssistantSurface } from "./AssistantSurface";
import { useChat } from "./ChatProvider";
import { useHost } from "./host";

export function ChatPage() {
  const { title } = useHost();
  const { panel, wake } = useChat();

  useEffect(wake, [wake]);

  return (
    <div className="mx-auto flex min-h-0 w-full max-w-3xl flex-1 flex-col sm:px-6 sm:py-5 short:py-0">
      <div className="relative flex min-h-0 flex-1 flex-col overflow-hidden border-line bg-surface sm:rounded-2xl sm:border sm:shadow-card">
        <h1 className="flex shrink-0 items-center gap-2.5 border-b border-line px-5 py-3.5 font-semibold short:sr-only">
          <SparkIcon className="text-brand-strong" />
          {title}
        </h1>
        {panel !== "none" && <AssistantSurface />}
      </div>
    </div>
  );
}
