"use client";
/** What a person asks in a conversation: a message, another answer, an action, an answered form. */
import { useCallback } from "react";
import type { StreamHandlers } from "../bridge/client";
import type {
  Action,
  Attachment,
  MessageInput,
  StreamingRequest,
  StructuredAnswer,
} from "../bridge/protocol";
import type { Step } from "../bridge/steps";
import { useChat } from "../ChatProvider";

/** A message on its way, shown until the API has it. */
export interface Outgoing {
  text: string;
  attachments: Attachment[];
}

interface Options {
  /** The thread that is open now; null before the first message of a new one. */
  currentThread: () => string | null;
  /** Run a stream for what is open now; `again` is for a person who wants to try once more. */
  follow: (
    stream: (handlers: StreamHandlers) => Promise<void>,
    again?: () => void,
  ) => Promise<void>;
  dispatch: (step: Step) => void;
  setOutgoing: (outgoing: Outgoing) => void;
}

export function useRequests({ currentThread, follow, dispatch, setOutgoing }: Options) {
  const { client } = useChat();

  const run = useCallback(
    (request: StreamingRequest) => {
      const messageId = crypto.randomUUID();
      function attempt() {
        void follow((handlers) => client.stream(request, handlers, messageId), attempt);
      }
      attempt();
    },
    [client, follow],
  );

  const send = useCallback(
    (text: string, attachments: Attachment[], model?: string) => {
      const input: MessageInput = {
        content: text ? [{ type: "input_text", text }] : [],
        attachments: attachments.map(({ id }) => id),
        inference_options: model ? { model } : {},
      };
      setOutgoing({ text, attachments });
      const threadId = currentThread();
      run(
        threadId
          ? { type: "threads.add_user_message", params: { thread_id: threadId, input } }
          : { type: "threads.create", params: { input } },
      );
    },
    [run, setOutgoing, currentThread],
  );

  /** Answer the message `itemId` again: what came after it goes. */
  const retry = useCallback(
    (itemId: string) => {
      const threadId = currentThread();
      if (!threadId) return;
      dispatch({ type: "cut", after: itemId });
      run({
        type: "threads.retry_after_item",
        params: { thread_id: threadId, item_id: itemId },
      });
    },
    [dispatch, run, currentThread],
  );

  const act = useCallback(
    (itemId: string, action: Action) => {
      const threadId = currentThread();
      if (!threadId || action.handler === "client") return;
      run({
        type: "threads.custom_action",
        params: {
          thread_id: threadId,
          item_id: itemId,
          action: { type: action.type, payload: action.payload ?? {} },
        },
      });
    },
    [run, currentThread],
  );

  const answer = useCallback(
    (itemId: string, answers: Record<string, StructuredAnswer>) => {
      const threadId = currentThread();
      if (!threadId) return;
      const skipped = Object.values(answers).every((answer) => answer.skipped);
      run({
        type: "threads.add_structured_input",
        params: {
          thread_id: threadId,
          item_id: itemId,
          input: { status: skipped ? "skipped" : "answered", answers },
        },
      });
    },
    [run, currentThread],
  );

  return { send, retry, act, answer };
}
