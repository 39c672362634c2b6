"use client";
/**
 * One conversation as our own panel shows it: loading it, following its runs and stopping them,
 * taking up one that goes on after a reload, and moving between conversations.
 */
import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import { type Problem, problemOf } from "@/lib/problems";
import type { StreamHandlers } from "../bridge/client";
import { EMPTY } from "../bridge/frames";
import type { Thread, ThreadEvent } from "../bridge/protocol";
import { step } from "../bridge/steps";
import { useChat } from "../ChatProvider";
import { useHost } from "../host";
import { useRequests, type Outgoing } from "./useRequests";

/**
 * idle -> loading -> idle                       a conversation is fetched
 * idle -> answering (-> stopping) -> idle       a run
 *         answering <-> reconnecting            the line broke in mid-answer
 */
export type Phase = "idle" | "loading" | "answering" | "reconnecting" | "stopping";

interface Failed {
  problem: Problem;
  /** Sending the same request again, under the same key; absent when that cannot help. */
  again?: () => void;
}

/** A run that died without a word, said in the page's own. */
const INTERRUPTED: ThreadEvent = { type: "error", code: "interrupted", allow_retry: true };

/** After a stop, how long the API may take to end the stream by itself. */
const STOP_PATIENCE_MS = 10_000;

export function useConversation() {
  const { client, threadId: remembered, rememberThread } = useChat();
  const { onEffect, onEnd } = useHost();
  const [conversation, dispatch] = useReducer(step, EMPTY);
  const [phase, setPhase] = useState<Phase>("loading");
  const [outgoing, setOutgoing] = useState<Outgoing | null>(null);
  const [failed, setFailed] = useState<Failed | null>(null);
  const [stopped, setStopped] = useState(false);
  const [earlier, setEarlier] = useState<string | null>(null);
  const [runs, setRuns] = useState(0);

  // Events of a run that the person has left behind are not shown; its effects still count.
  const view = useRef(0);
  const current = useRef<string | null>(null);
  const stopWanted = useRef(false);
  const reopen = useRef<(threadId: string | null, stopping?: boolean) => void>(() => {});
  const stopTimer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const show = useCallback((thread: Thread | null) => {
    view.current += 1;
    current.current = thread?.id ?? null;
    stopWanted.current = false;
    clearTimeout(stopTimer.current);
    dispatch({ type: "show", thread });
    setOutgoing(null);
    setFailed(null);
    setStopped(false);
    setEarlier(thread?.items.has_more ? (thread.items.after ?? null) : null);
    setPhase("idle");
    return view.current;
  }, []);

  const requestStop = useCallback(() => {
    const threadId = current.current;
    if (!threadId) return;
    client.stop(threadId).catch(() => {});
  }, [client]);

  const stop = useCallback(() => {
    stopWanted.current = true;
    setPhase("stopping");
    requestStop();
    const threadId = current.current;
    clearTimeout(stopTimer.current);
    stopTimer.current = setTimeout(() => reopen.current(threadId, true), STOP_PATIENCE_MS);
  }, [requestStop]);

  /** What is shown stays, with what the API said of it; the next message begins anew. */
  const leaveIfGone = useCallback(async () => {
    const threadId = current.current;
    if (!threadId) return;
    const run = await client.lastRun(threadId).catch(() => undefined);
    if (run !== null || current.current !== threadId) return;
    current.current = null;
    rememberThread(null);
  }, [client, rememberThread]);

  /** What a run that broke off has left takes the place of what was seen of it. */
  const showKept = useCallback(async () => {
    const threadId = current.current;
    const thread = threadId && (await client.loadThread(threadId).catch(() => null));
    if (!thread || current.current !== threadId) return;
    dispatch({ type: "kept", items: thread.items.data });
  }, [client]);

  /** Run a stream for the view that is open now, whatever becomes of it. */
  const follow = useCallback(
    async (stream: (handlers: StreamHandlers) => Promise<void>, again?: () => void) => {
      const mine = view.current;
      const isMine = () => view.current === mine;
      let accepted = false;
      let isFinal = false;
      let wasBroken = false;
      let hasFailed = false;
      dispatch({ type: "begin" });
      setFailed(null);
      setStopped(false);
      setPhase("answering");
      stopWanted.current = false;
      try {
        await stream({
          onThread(threadId) {
            accepted = true;
            if (!isMine()) return;
            current.current = threadId;
            rememberThread(threadId);
            if (stopWanted.current) requestStop();
          },
          onEvent(event) {
            accepted = true;
            hasFailed ||= event.type === "error";
            isFinal ||= event.type === "error" && !event.allow_retry;
            if (event.type === "client_effect") onEffect(event.name);
            if (!isMine()) return;
            dispatch({ type: "event", event });
            if ("item" in event && event.item.type === "user_message") setOutgoing(null);
          },
          onBroken(broken) {
            wasBroken = true;
            if (isMine()) setPhase(broken ? "reconnecting" : "answering");
          },
        });
        if (isMine() && stopWanted.current) setStopped(true);
        if (isMine() && wasBroken && hasFailed) await showKept();
        if (isMine() && isFinal) await leaveIfGone();
      } catch (error) {
        if (isMine()) {
          const problem = problemOf(error);
          // Once the API has the message, trying again means looking at what became of it.
          const retry = accepted ? () => reopen.current(current.current) : again;
          setFailed({ problem, again: accepted || problem.retryable ? retry : undefined });
        }
      } finally {
        onEnd();
        if (isMine()) {
          clearTimeout(stopTimer.current);
          stopWanted.current = false;
          dispatch({ type: "end" });
          setPhase("idle");
          setRuns((count) => count + 1);
        }
      }
    },
    [rememberThread, requestStop, onEffect, onEnd, leaveIfGone, showKept],
  );

  /** Open a conversation; `stopping` when the person has asked its run to stop. */
  const open = useCallback(
    async (threadId: string, stopping = false) => {
      const mine = ++view.current;
      setPhase("loading");
      setFailed(null);
      try {
        // The run first: one that has ended by now has all its items in the thread, and one that
        // still runs is followed from its beginning. The other way round could miss its end.
        const run = await client.lastRun(threadId).catch(() => null);
        const thread = await client.loadThread(threadId);
        if (view.current !== mine) return;
        show(thread);
        rememberThread(threadId);
        const isUnanswered = thread.items.data.at(-1)?.type === "user_message";
        if (run?.status === "failed" && isUnanswered) {
          dispatch({ type: "event", event: INTERRUPTED });
        }
        if (run?.status === "stopped" && (stopping || isUnanswered)) setStopped(true);
        if (run?.status === "running") {
          const followed = follow((handlers) => client.follow(run.run_id, handlers));
          // The request may have been lost on its way.
          if (stopping) stop();
          await followed;
        }
      } catch (error) {
        if (view.current !== mine) return;
        const problem = problemOf(error);
        if (problem.kind === "not_found") {
          show(null);
          rememberThread(null);
          return;
        }
        setPhase("idle");
        setFailed({ problem, again: () => reopen.current(threadId, stopping) });
      }
    },
    [client, follow, rememberThread, show, stop],
  );

  useEffect(() => {
    reopen.current = (threadId, stopping) => {
      if (threadId) void open(threadId, stopping);
    };
  }, [open]);

  // Once, when the browser has said which conversation was the last.
  const started = useRef(false);
  useEffect(() => {
    if (started.current || remembered === undefined) return;
    started.current = true;
    // After the effect: this is where the conversation starts, not a reaction to a change.
    queueMicrotask(() => {
      if (remembered) void open(remembered);
      else show(null);
    });
  }, [remembered, open, show]);

  const startNew = useCallback(() => {
    show(null);
    rememberThread(null);
  }, [rememberThread, show]);

  const currentThread = useCallback(() => current.current, []);
  const requests = useRequests({ currentThread, follow, dispatch, setOutgoing });

  const loadEarlier = useCallback(async () => {
    const threadId = current.current;
    if (!threadId || !earlier) return;
    const mine = view.current;
    try {
      const page = await client.earlierItems(threadId, earlier, conversation.items);
      if (view.current !== mine) return;
      dispatch({ type: "earlier", items: page.data });
      setEarlier(page.has_more ? (page.after ?? null) : null);
    } catch (error) {
      setFailed({ problem: problemOf(error), again: undefined });
    }
  }, [client, earlier, conversation.items]);

  return {
    conversation,
    phase,
    outgoing,
    failed,
    dismissFailure: () => setFailed(null),
    /** The person stopped the last answer. */
    stopped,
    /** Counts finished runs. */
    runs,
    hasEarlier: earlier !== null,
    loadEarlier,
    open,
    startNew,
    ...requests,
    stop,
    takeBack: () => setOutgoing(null),
  };
}

export type ConversationControl = ReturnType<typeof useConversation>;
