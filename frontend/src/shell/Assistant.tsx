"use client";
/** The assistant's place on this page: what it is given, and who hears of what it does. */
import Link from "next/link";
import { usePathname, useSearchParams } from "next/navigation";
import { createContext, use, useMemo, useState, type ReactNode } from "react";
import { pageLanguage } from "@/components/LanguageProvider";
import { ChatProvider } from "@/features/assistant/ChatProvider";
import type { AssistantHost } from "@/features/assistant/host";
import { prompts } from "@/features/tasks/prompts";
import { fetchChatToken } from "@/lib/auth/client";
import { CONFIG } from "@/lib/config";
import { assistantMemory } from "./memory";
import { useSession } from "./SessionProvider";
import { useTexts } from "./useTexts";

/** The assistant as a page of its own. */
export const ASSISTANT_PATH = "/chatbot";

/** Called with the name of an event, or with null at the end of an answer. */
type Listener = (effect: string | null) => void;

class ClientEffects {
  private readonly listeners = new Set<Listener>();

  /** Hear of what the assistant did. Gives the way to stop listening. */
  listen = (listener: Listener) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  tell = (effect: string | null) => {
    for (const listener of this.listeners) listener(effect);
  };

  end = () => this.tell(null);
}

const Context = createContext<ClientEffects | null>(null);

export function Assistant({ children }: { children: ReactNode }) {
  const texts = useTexts();
  const { user, askToSignIn } = useSession();
  const isHere = usePathname() === ASSISTANT_PATH;
  const wantsLocal = useSearchParams().get("panel") === "local";
  const [effects] = useState(() => new ClientEffects());
  const memory = useMemo(() => assistantMemory(user.id), [user.id]);

  const host = useMemo<AssistantHost>(
    () => ({
      baseUrl: CONFIG.API_BASE_URL,
      domainKey: CONFIG.DOMAIN_KEY,
      fetchToken: fetchChatToken,
      renewalMarginMs: CONFIG.REFRESH_CACHE * 1000,
      locale: pageLanguage,
      user,
      title: texts.t("tasks.assistant"),
      prompts: prompts(texts),
      memory,
      wantsLocal,
      page: { href: ASSISTANT_PATH, isHere },
      Link,
      onSignInNeeded: askToSignIn,
      onEffect: effects.tell,
      onEnd: effects.end,
    }),
    [texts, user, memory, wantsLocal, isHere, askToSignIn, effects],
  );
  return (
    <Context value={effects}>
      <ChatProvider host={host}>{children}</ChatProvider>
    </Context>
  );
}

export function useClientEffects(): ClientEffects {
  const value = use(Context);
  if (!value) throw new Error("useClientEffects needs an Assistant");
  return value;
}
