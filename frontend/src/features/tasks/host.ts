/** What the page gives its list of tasks. */
import type { TokenCache } from "@/lib/tokens";

/** Where the list is, on this page. */
export const TASKS_PATH = "/tasks";

/** The event with which the agent says that it changed the list. */
export const TASKS_CHANGED = "tasks.changed";

export interface TasksHost {
  /** The task list's API, without a trailing slash. */
  baseUrl: string;
  userId: string;
  /** The person's JWT. */
  tokens: TokenCache;
  /** Hear that somebody else changed the list. Gives the way to stop listening. */
  onChanged: (listener: () => void) => () => void;
  onSignInNeeded: () => void;
  /** The person would rather ask the assistant. */
  onAsk: () => void;
}
