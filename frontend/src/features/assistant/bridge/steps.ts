/**
 * The steps that change a conversation as it is shown: a thread fetched, a run and its events, and
 * what the person cuts off. Pure.
 */
import { joined } from "@/lib/pages";
import { beginRun, EMPTY, endRun, fold, fromThread, type Conversation } from "./frames";
import type { Thread, ThreadEvent, ThreadItem } from "./protocol";

export type Step =
  | { type: "show"; thread: Thread | null }
  | { type: "kept"; items: readonly ThreadItem[] }
  | { type: "earlier"; items: ThreadItem[] }
  | { type: "begin" }
  | { type: "cut"; after: string }
  | { type: "event"; event: ThreadEvent }
  | { type: "end" };

export function step(state: Conversation, step: Step): Conversation {
  switch (step.type) {
    case "show":
      return step.thread ? fromThread(step.thread) : EMPTY;
    case "kept": {
      // A process that died said more than it had saved: what is kept takes the place of that.
      const first = state.items.findIndex(({ id }) => id === step.items[0]?.id);
      return { ...state, items: [...state.items.slice(0, Math.max(0, first)), ...step.items] };
    }
    case "earlier":
      return { ...state, items: joined(step.items, state.items) };
    case "begin":
      return beginRun(state);
    case "cut": {
      const index = state.items.findIndex(({ id }) => id === step.after);
      return { ...state, items: state.items.slice(0, index + 1) };
    }
    case "event":
      return fold(state, step.event);
    case "end":
      return endRun(state);
  }
}
