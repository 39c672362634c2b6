"use client";
/** What the page gives the assistant, and hears of it. */
import type { StartScreenPrompt } from "@openai/chatkit-react";
import { createContext, use, type ComponentType, type ReactNode } from "react";
import type { Token } from "@/lib/tokens";

/** What an empty conversation offers. */
export interface Prompt {
  label: string;
  prompt: string;
  /** One of ChatKit's. */
  icon: NonNullable<StartScreenPrompt["icon"]>;
}

interface LinkProps {
  href: string;
  className: string;
  "aria-label": string;
  title: string;
  children: ReactNode;
}

export interface AssistantHost {
  /** The chat API, without a trailing slash. */
  baseUrl: string;
  /** The public key that OpenAI gives for each allow-listed domain. */
  domainKey: string;
  /** Get the chat's token: for a new session, or for one that goes on. */
  fetchToken: (action: "session" | "refresh") => Promise<Token>;
  /** How long before a token runs out it is renewed. */
  renewalMarginMs: number;
  /** The language that answers should be in, now. */
  locale: () => string;
  user: { name: string };
  /** What the assistant is called here. */
  title: string;
  prompts: readonly Prompt[];
  /** What the browser remembers: the person's last thread, and whether the assistant is open. */
  memory: {
    thread: () => string | null;
    setThread: (threadId: string | null) => void;
    isOpen: () => boolean;
    setOpen: (open: boolean) => void;
  };
  /** Whether our own panel is asked for, without trying OpenAI's component. */
  wantsLocal: boolean;
  /** The assistant as a page of its own: its address, and whether it is shown there now. */
  page: { href: string; isHere: boolean };
  /** A link within the page. */
  Link: ComponentType<LinkProps>;
  onSignInNeeded: () => void;
  /** The agent sent an event of the domain's. */
  onEffect: (name: string) => void;
  /** An answer has ended, however. */
  onEnd: () => void;
}

const Context = createContext<AssistantHost | null>(null);

export const HostProvider = Context.Provider;

export function useHost(): AssistantHost {
  const value = use(Context);
  if (!value) throw new Error("The assistant needs a host");
  return value;
}
