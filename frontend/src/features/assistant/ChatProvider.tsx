"use client";
/**
 * The bridge between the page and the chat API, shared by both panels: the session token, the
 * fetch that carries it, what stands in the way, the last thread, and ChatKit's control.
 */
import { useChatKit, type UseChatKitReturn } from "@openai/chatkit-react";
import { usePathname, useSearchParams } from "next/navigation";
import {
  createContext,
  use,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from "react";
import { fetchChatToken } from "@/lib/auth/client";
import { ChatClient } from "./bridge/client";
import { CHAT_PATH, createChatFetch } from "./bridge/fetch";
import type { Health } from "./bridge/health";
import { chatKitOptions } from "./bridge/options";
import { CONFIG } from "@/lib/config";
import { assistantOpen, lastThread } from "@/shell/memory";
import { problemOf } from "@/lib/problems";
import { TokenCache } from "@/lib/tokens";
import { useComposerFocus } from "./useComposerFocus";
import { useHelp } from "./useHelp";
import { usePanel, type PanelControl } from "./usePanel";
import { pageLanguage, useLanguage } from "@/components/LanguageProvider";
import type { Help } from "@/components/ProblemNote";
import { useSession } from "@/shell/SessionProvider";

interface Chat extends Omit<PanelControl, "onReady"> {
  client: ChatClient;
  control: UseChatKitReturn["control"];
  /** Move the focus into the message box, now or as soon as there is one. */
  focusComposer: () => void;
  /** A message box is there now. */
  settleFocus: () => void;
  help: Help | null;
  clearHelp: () => void;
  recheck: () => Promise<void>;
  health: Health | null;
  isOpen: boolean;
  setOpen: (open: boolean) => void;
  /** The last thread of this person in this browser; undefined until the browser has been asked. */
  threadId: string | null | undefined;
  rememberThread: (threadId: string | null) => void;
  /** Hear of changes that the agent made to the list. Gives the way to stop listening. */
  onTasksChanged: (listener: () => void) => () => void;
  tasksChanged: () => void;
}

const Context = createContext<Chat | null>(null);

/** The event with which the agent says that it changed the list. */
export const TASKS_CHANGED = "tasks.changed";

export function ChatProvider({ children }: { children: ReactNode }) {
  const language = useLanguage();
  const { user, askToSignIn } = useSession();
  const isPage = usePathname() === "/chatbot";
  const wantsLocal = useSearchParams().get("panel") === "local";
  const { panel, wake: wakePanel, tryChatKit, takeLocal, onReady } = usePanel(wantsLocal);
  const { help, setHelp, health, recheck, onProblem } = useHelp();
  const [isOpen, showOpen] = useState(false);
  const [threadId, setThreadId] = useState<string | null>();
  const [initialThread, setInitialThread] = useState<string | null>(null);

  const [{ chatFetch, client, tokens }] = useState(() => {
    let action: "session" | "refresh" = "session";
    const tokens = new TokenCache(async () => {
      const token = await fetchChatToken(action);
      action = "refresh";
      return token;
    }, CONFIG.REFRESH_CACHE * 1000);
    const chatFetch = createChatFetch({
      baseUrl: CONFIG.API_BASE_URL,
      tokens,
      locale: pageLanguage,
      onProblem,
      onSignInNeeded: askToSignIn,
    });
    return { chatFetch, client: new ChatClient(CONFIG.API_BASE_URL, chatFetch), tokens };
  });

  // Asking for the session also warms the function that will answer the first message.
  useEffect(() => {
    tokens.get().catch((error: unknown) => {
      if (problemOf(error).kind === "sign_in") askToSignIn();
    });
  }, [tokens, askToSignIn]);

  // Only the browser knows these; the server draws the page without them.
  useEffect(() => {
    const last = lastThread.get(user.id);
    /* eslint-disable react-hooks/set-state-in-effect */
    setThreadId(last);
    setInitialThread(last);
    if (assistantOpen.get()) showOpen(true);
    /* eslint-enable react-hooks/set-state-in-effect */
  }, [user.id]);

  const rememberThread = useCallback(
    (id: string | null) => {
      setThreadId(id);
      lastThread.set(user.id, id);
    },
    [user.id],
  );

  const setOpen = useCallback((open: boolean) => {
    showOpen(open);
    assistantOpen.set(open);
  }, []);

  const listeners = useRef(new Set<() => void>());
  const onTasksChanged = useCallback((listener: () => void) => {
    listeners.current.add(listener);
    return () => void listeners.current.delete(listener);
  }, []);
  const tasksChanged = useCallback(() => {
    for (const listener of listeners.current) listener();
  }, []);

  const kit = useChatKit({
    ...chatKitOptions({
      config: CONFIG,
      endpoint: CONFIG.API_BASE_URL + CHAT_PATH,
      fetch: chatFetch,
      user,
      language,
      threadId: initialThread,
      health,
      onClose: isPage ? undefined : () => setOpen(false),
    }),
    onReady,
    onEffect: ({ name }) => {
      if (name === TASKS_CHANGED) tasksChanged();
    },
    onResponseEnd: tasksChanged,
    onThreadChange: ({ threadId: id }) => rememberThread(id),
    onError: ({ error }) => {
      if (!/domain/i.test(error.message)) return;
      setHelp({ kind: "domain_key" });
      takeLocal();
    },
  });
  const { control, focusComposer: focusKit, setThreadId: showThread } = kit;

  // A remembered thread that is gone would leave OpenAI's component with an error for good.
  useEffect(() => {
    if (panel !== "chatkit" || !initialThread) return;
    client.loadThread(initialThread).catch((error: unknown) => {
      if (problemOf(error).kind !== "not_found") return;
      rememberThread(null);
      setInitialThread(null);
      void showThread(null).catch(() => {});
    });
  }, [panel, initialThread, client, rememberThread, showThread]);

  const { focusComposer, settleFocus } = useComposerFocus(panel, focusKit);

  // Looking at the API's health first tells what is missing before a message is written.
  const wake = useCallback(() => {
    if (panel === "none") void recheck();
    wakePanel();
  }, [panel, recheck, wakePanel]);

  const clearHelp = useCallback(() => setHelp(null), [setHelp]);

  const value = useMemo<Chat>(
    () => ({
      client,
      control,
      focusComposer,
      settleFocus,
      panel,
      wake,
      tryChatKit,
      takeLocal,
      help,
      clearHelp,
      recheck,
      health,
      isOpen,
      setOpen,
      threadId,
      rememberThread,
      onTasksChanged,
      tasksChanged,
    }),
    [
      client,
      control,
      focusComposer,
      settleFocus,
      panel,
      wake,
      tryChatKit,
      takeLocal,
      help,
      clearHelp,
      recheck,
      health,
      isOpen,
      setOpen,
      threadId,
      rememberThread,
      onTasksChanged,
      tasksChanged,
    ],
  );
  return <Context value={value}>{children}</Context>;
}

export function useChat(): Chat {
  const value = use(Context);
  if (!value) throw new Error("useChat needs a ChatProvider");
  return value;
}
