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

const OPEN_KEY = "sidestream.assistant";

/** The last thread of a person in this browser, and whether the assistant stands open. */
export function assistantMemory(userId: string) {
  const threadKey = `sidestream.thread.${userId}`;
  return {
    thread: () => read(threadKey),
    setThread: (threadId: string | null) => write(threadKey, threadId),
    isOpen: () => read(OPEN_KEY) === "open",
    setOpen: (open: boolean) => write(OPEN_KEY, open ? "open" : null),
  };
}

/** Forget a person, as on sign-out. */
export function forget(userId: string): void {
  const memory = assistantMemory(userId);
  memory.setThread(null);
  memory.setOpen(false);
}
