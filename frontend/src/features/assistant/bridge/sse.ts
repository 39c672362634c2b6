/** Server-sent events out of a byte stream (WHATWG HTML section 9.2.6). */

export interface ServerSentEvent {
  /** The event's own id, or the last one before it; "" when there was none. */
  id: string;
  event: string;
  data: string;
}

export interface ReadingOptions {
  /** Called with the text of each comment, which is no event. */
  onComment?: (text: string) => void;
  /** How long the line may be silent; then it is taken for dead. */
  silenceMs?: number;
}

/**
 * Read the events of a body until it ends. A cut in mid-event gives no half event. Throws a
 * `TypeError` for a line that is dead.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array> | null,
  { onComment, silenceMs }: ReadingOptions = {},
): AsyncGenerator<ServerSentEvent, void, undefined> {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  let id = "";
  let event = "";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), silenceMs);
      if (done) return;
      buffer += decoder.decode(value, { stream: true });
      for (;;) {
        // A lone CR at the very end may be the first half of CR LF.
        const end = buffer.search(/\r(?!$)|\n/);
        if (end < 0) break;
        const line = buffer.slice(0, end);
        const crlf = buffer[end] === "\r" && buffer[end + 1] === "\n";
        buffer = buffer.slice(end + (crlf ? 2 : 1));
        if (line === "") {
          if (data.length > 0) yield { id, event: event || "message", data: data.join("\n") };
          event = "";
          data = [];
          continue;
        }
        if (line.startsWith(":")) {
          onComment?.(line.slice(1).replace(/^ /, ""));
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "data") data.push(value);
        else if (field === "id") id = value;
        else if (field === "event") event = value;
      }
    }
  } finally {
    // Leaving early must end the request; ending it twice is no error. A dead line says nothing to
    // that either.
    void reader.cancel().catch(() => {});
  }
}

async function within<T>(promise: Promise<T>, ms: number | undefined): Promise<T> {
  if (ms === undefined) return promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TypeError("The line is silent.")), ms);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
