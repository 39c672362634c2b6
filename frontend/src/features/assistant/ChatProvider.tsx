"use client";
/**
 * The bridge between the page and the chat API, shared by both panels: the session token, the
 * fetch that carries it, what stands in the way, the last thread, and ChatKit's control.
 */
import { useChatKit, type UseChatKitReturn } from "@openai/chatkit-react";
import { createContext, use, useCallback, useEffect, useState, type ReactNode } from "react";
import { problemOf } from "@/lib/problems";
import { TokenCache } from "@/lib/tokens";
import { ChatClient } from "./bridge/client";
import { createChatFetch } from "./bridge/fetch";
import type { Health } from "./bridge/health";
import { chatKitOptions } from "./bridge/options";
import { steady } from "./bridge/steady";
import type { Help } from "./help";
import { HostProvider, type AssistantHost } from "./host";
import { useComposerFocus } from "./useComposerFocus";
import { useHelp } from "./useHelp";
import { usePanel, type PanelControl } from "./usePanel";
import { useTexts } from "./useTexts";

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
}

const Context = createContext<Chat | null>(null);

export function ChatProvider({ host, children }: { host: AssistantHost; children: ReactNode }) {
  const texts = useTexts();
  const { memory, onSignInNeeded } = host;
  const { panel, wake: wakePanel, tryChatKit, takeLocal, onReady } = usePanel(host.wantsLocal);
  const { help, setHelp, health, recheck, onProblem } = useHelp(host.baseUrl);
  const [isOpen, showOpen] = useState(false);
  const [threadId, setThreadId] = useState<string | null>();
  const [initialThread, setInitialThread] = useState<string | null>(null);

  const [{ kitFetch, client, tokens }] = useState(() => {
    let action: "session" | "refresh" = "session";
    const tokens = new TokenCache(async () => {
      const token = await host.fetchToken(action);
      action = "refresh";
      return token;
    }, host.renewalMarginMs);
    const chatFetch = createChatFetch({
      baseUrl: host.baseUrl,
      tokens,
      locale: host.locale,
      onProblem,
      onSignInNeeded,
    });
    const kitFetch = steady(chatFetch, host.baseUrl);
    return { kitFetch, client: new ChatClient(host.baseUrl, chatFetch), tokens };
  });

  // Asking for the session also warms the function that will answer the first message.
  useEffect(() => {
    tokens.get().catch((error: unknown) => {
      if (problemOf(error).kind === "sign_in") onSignInNeeded();
    });
  }, [tokens, onSignInNeeded]);

  // Only the browser knows these; the server draws the page without them.
  useEffect(() => {
    const last = memory.thread();
    /* eslint-disable react-hooks/set-state-in-effect */
    setThreadId(last);
    setInitialThread(last);
    if (memory.isOpen()) showOpen(true);
    /* eslint-enable react-hooks/set-state-in-effect */
  }, [memory]);

  const rememberThread = useCallback(
    (id: string | null) => {
      setThreadId(id);
      memory.setThread(id);
    },
    [memory],
  );

  const setOpen = useCallback(
    (open: boolean) => {
      showOpen(open);
      memory.setOpen(open);
    },
    [memory],
  );

  const kit = useChatKit({
    ...chatKitOptions({
      host,
      fetch: kitFetch,
      texts,
      threadId: initialThread,
      health,
      onClose: host.page.isHere ? undefined : () => setOpen(false),
    }),
    onReady,
    onEffect: ({ name }) => host.onEffect(name),
    onResponseEnd: host.onEnd,
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

  // No memo: nearly all that makes this provider render is a part of its value.
  const value: Chat = {
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
  };
  return (
    <HostProvider value={host}>
      <Context value={value}>{children}</Context>
    </HostProvider>
  );
}

export function useChat(): Chat {
  const value = use(Context);
  if (!value) throw new Error("useChat needs a ChatProvider");
  return value;
}
