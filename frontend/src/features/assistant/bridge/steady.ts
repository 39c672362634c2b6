/**
 * The fetch that OpenAI's component is given: its streams go on where the line breaks, and hold
 * events alone. Whether the component passes over numbers and comments, nobody outside can tell.
 */
import { CHAT_PATH } from "./fetch";
import { runEvents } from "./run-events";

export function steady(chatFetch: typeof fetch, baseUrl: string): typeof fetch {
  return async function steadyFetch(input, init) {
    const response = await chatFetch(input, init);
    const runId = response.headers.get("x-sidestream-run-id");
    if (!response.ok || !runId) return response;
    const signal =
      init?.signal ?? (typeof input === "object" && "signal" in input ? input.signal : undefined);
    const path = `${baseUrl}${CHAT_PATH}/runs/${encodeURIComponent(runId)}/events`;
    const events = runEvents((after) => chatFetch(`${path}?after=${after}`, { signal }), {
      first: response,
      signal: signal ?? undefined,
    });
    const { status, statusText, headers } = response;
    return new Response(framed(events), { status, statusText, headers });
  };
}

function framed(events: AsyncGenerator<string, void, undefined>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await events.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`data: ${value}\n\n`));
    },
    async cancel() {
      await events.return();
    },
  });
}
