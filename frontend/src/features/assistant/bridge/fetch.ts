/**
 * The fetch that both panels talk to the chat API with.
 *
 * The token goes to the API's own address and to nothing else: ChatKit's component also sends
 * requests of its own to OpenAI through this function. Reads are tried again with backoff; writes
 * only under the key of the first attempt. Aborting a stream also tells the API to stop, since on
 * Lambda nobody notices that a reader has gone.
 */
import { bearer } from "@/lib/bearer";
import { READS, retrying, sleep, WRITES, type Verdict } from "@/lib/backoff";
import { Problem, problemFrom, problemOf } from "@/lib/problems";
import type { TokenCache } from "@/lib/tokens";
import { watched } from "./end";
import { KeyRing } from "./keys";
import { READ_TYPES, STREAMING_TYPES } from "./protocol";

export interface ChatFetchOptions {
  /** The API's base URL, without a trailing slash. */
  baseUrl: string;
  tokens: TokenCache;
  /** The language that answers and errors should be in. */
  locale: () => string;
  /** Called for each request that failed for good. */
  onProblem?: (problem: Problem) => void;
  /** Called when even a fresh token was refused. */
  onSignInNeeded?: () => void;
  fetch?: typeof fetch;
  keys?: KeyRing;
}

/** Where the person is: the name of their zone in the IANA database. It may change on a journey. */
function timeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** How long an abandoned request may go on without headers before it is cut without a stop. */
const HEADERS_GRACE_MS = 10_000;

export const CHAT_PATH = "/api/chatkit";

/** Whether a URL is the chat API's own. */
export function isChatApi(url: URL, baseUrl: string): boolean {
  const base = new URL(baseUrl + CHAT_PATH);
  return (
    url.origin === base.origin &&
    (url.pathname === base.pathname || url.pathname.startsWith(`${base.pathname}/`))
  );
}

interface Call {
  url: URL;
  init: RequestInit;
  body: string | undefined;
  /** The ChatKit request type, or "" for the routes beside it. */
  type: string;
  threadId: string | undefined;
}

export function createChatFetch(options: ChatFetchOptions): typeof fetch {
  const send = options.fetch ?? ((input, init) => fetch(input, init));
  const keys = options.keys ?? new KeyRing();
  // What there is to do when a run has ended, whichever stream of it says so.
  const ends = new Map<string, () => void>();

  return async function chatFetch(input, init) {
    const url = new URL(
      isRequest(input) ? input.url : String(input),
      typeof location === "undefined" ? undefined : location.href,
    );
    if (!isChatApi(url, options.baseUrl)) return send(input, init);

    const call = await describe(url, input, init);
    try {
      return STREAMING_TYPES.has(call.type)
        ? await stoppable(call)
        : ending(await answered(call, call.init.signal ?? undefined));
    } catch (error) {
      if (call.init.signal?.aborted) throw error;
      const problem = problemOf(error);
      if (problem.kind === "sign_in") options.onSignInNeeded?.();
      else options.onProblem?.(problem);
      if (error instanceof Refused) return error.response;
      throw error;
    }
  };

  /** Send until there is an answer; throws `Refused` for one with an error status. */
  async function answered(call: Call, signal: AbortSignal | undefined): Promise<Response> {
    const isRead = call.init.method === "GET" || READ_TYPES.has(call.type);
    const key = isRead || call.body === undefined ? undefined : keys.take(call.body);
    try {
      const response = await retrying(
        () => authorised(call, key, signal),
        (error) => judge(error),
        isRead ? READS : WRITES,
        { signal },
      );
      // A run is settled by its end: cut before it, the same words are the same message.
      if (!STREAMING_TYPES.has(call.type)) settle(call);
      return response;
    } catch (error) {
      // A refusal that trying again cannot change settles the message: it was not taken.
      if (error instanceof Refused && !error.problem.retryable) settle(call);
      throw error;
    }
  }

  function settle(call: Call): void {
    if (call.body !== undefined) keys.settle(call.body);
  }

  async function authorised(
    call: Call,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const token = await options.tokens.get();
    let response = await send(call.url, request(call, token, key, signal));
    if (response.status === 401) {
      const renewed = await options.tokens.replace(token);
      response = await send(call.url, request(call, renewed, key, signal));
    }
    if (response.ok) return response;
    throw new Refused(response, await problemFrom(response.clone()));
  }

  function request(
    call: Call,
    token: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): RequestInit {
    const headers = new Headers(call.init.headers);
    const sent = bearer(token, call.body);
    for (const [name, value] of Object.entries(sent)) headers.set(name, value);
    headers.set("accept-language", options.locale());
    headers.set("x-sidestream-time-zone", timeZone());
    if (key) headers.set("idempotency-key", key);
    return { ...call.init, headers, body: call.body, signal, credentials: "omit" };
  }

  /**
   * A stream whose abort also stops the run. The request itself lives a little longer than the
   * caller's interest: without the answer's headers nobody knows which thread to stop.
   */
  function stoppable(call: Call): Promise<Response> {
    const outer = call.init.signal ?? undefined;
    const inner = new AbortController();
    let over = false;

    return new Promise<Response>((resolve, reject) => {
      const response = answered(call, inner.signal);

      async function abandon() {
        if (over) return;
        over = true;
        settle(call);
        reject(outer?.reason as Error);
        const waiting = sleep(HEADERS_GRACE_MS).then(() => undefined);
        const threadId =
          call.threadId ??
          (await Promise.race([response.catch(() => undefined), waiting]))?.headers.get(
            "x-sidestream-thread-id",
          );
        if (threadId) await stop(threadId);
        inner.abort();
      }

      function ended() {
        over = true;
        settle(call);
      }

      if (outer?.aborted) void abandon();
      outer?.addEventListener("abort", () => void abandon(), { once: true });
      response.then(
        (found) => resolve(ending(found, ended)),
        (error: unknown) => {
          over = true;
          reject(error as Error);
        },
      );
    });
  }

  /** Watch a stream for the end of its run; `then` is what there is to do, where that is new. */
  function ending(response: Response, then?: () => void): Response {
    const runId = response.headers.get("x-sidestream-run-id");
    if (!runId) return response;
    if (then) ends.set(runId, then);
    return watched(response, () => {
      ends.get(runId)?.();
      ends.delete(runId);
    });
  }

  async function stop(threadId: string): Promise<void> {
    try {
      const token = await options.tokens.get();
      await send(`${options.baseUrl}${CHAT_PATH}/threads/${encodeURIComponent(threadId)}/stop`, {
        method: "POST",
        headers: bearer(token),
        credentials: "omit",
        keepalive: true,
      });
    } catch {
      // The run then ends by itself; there is nobody left to tell.
    }
  }
}

/** The API answered, with an error status. `response` still has its body. */
class Refused extends Problem {
  constructor(
    readonly response: Response,
    readonly problem: Problem,
  ) {
    super(problem);
  }
}

function judge(error: unknown): Verdict {
  const problem = problemOf(error);
  if (!problem.retryable || problem.kind === "sign_in") return { retry: false };
  // Another message's answer is still being written: waiting for it is the person's decision.
  if (problem.code === "run_in_progress") return { retry: false };
  return { retry: true, afterMs: problem.retryAfterMs };
}

async function describe(url: URL, input: RequestInfo | URL, init: RequestInit = {}): Promise<Call> {
  const merged: RequestInit = { method: "GET", ...init };
  let body = init.body ?? undefined;
  if (isRequest(input)) {
    const { method, headers, signal } = input;
    Object.assign(merged, { method, headers, signal, ...init });
    // Firefox has no `Request.body` to ask whether there is one.
    body ??= (await input.clone().text()) || undefined;
  }
  if (body !== undefined && typeof body !== "string") {
    // The same body may have to be sent again, and a stream can be read only once.
    const { headers, text } = await read(body);
    body = text;
    merged.headers = new Headers(merged.headers);
    const type = headers.get("content-type");
    if (type && !merged.headers.has("content-type")) merged.headers.set("content-type", type);
  }
  let type = "";
  let threadId: string | undefined;
  if (body !== undefined && url.pathname.endsWith(CHAT_PATH)) {
    try {
      const parsed = JSON.parse(body) as { type?: string; params?: { thread_id?: string } };
      type = parsed.type ?? "";
      threadId = parsed.params?.thread_id;
    } catch {
      // Not a ChatKit request: sent as it is, and the API says what it thinks of it.
    }
  }
  return { url, init: merged, body, type, threadId };
}

/** Whether it is a request, of this window or of a frame's. */
function isRequest(input: RequestInfo | URL): input is Request {
  return typeof input === "object" && "clone" in input;
}

async function read(body: BodyInit): Promise<{ headers: Headers; text: string }> {
  const response = new Response(body);
  return { headers: response.headers, text: await response.text() };
}
