/** What the browser remembers between visits: never a token, nothing another person could read. */

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden or full; the page works without.
  }
}

const threadKey = (userId: string) => `sidestream.thread.${userId}`;
const OPEN_KEY = "sidestream.assistant";

/** The last thread of a person in this browser. */
export const lastThread = {
  get: (userId: string) => read(threadKey(userId)),
  set: (userId: string, threadId: string | null) => write(threadKey(userId), threadId),
};

/** Whether the assistant stands open beside the page. */
export const assistantOpen = {
  get: () => read(OPEN_KEY) === "open",
  set: (open: boolean) => write(OPEN_KEY, open ? "open" : null),
};

/** Forget a person, as on sign-out. */
export function forget(userId: string): void {
  lastThread.set(userId, null);
  assistantOpen.set(false);
}
