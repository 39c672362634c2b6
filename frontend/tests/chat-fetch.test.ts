import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createChatFetch,
  isChatApi,
  type ChatFetchOptions,
} from "@/features/assistant/bridge/fetch";
import { KeyRing } from "@/features/assistant/bridge/keys";
import { TokenCache } from "@/lib/tokens";

const API = "https://api.test";
const CHATKIT = `${API}/api/chatkit`;

interface Sent {
  url: string;
  method: string;
  headers: Headers;
  body: string | undefined;
  signal: AbortSignal | null | undefined;
}

type Reply = Response | Error | (() => Response | Promise<Response>);

function problem(status: number, code: string, extra: object = {}, headers: HeadersInit = {}) {
  return Response.json({ status, code, detail: code, ...extra }, { status, headers });
}

function setup(replies: Reply[], options: Partial<ChatFetchOptions> = {}) {
  const sent: Sent[] = [];
  let tokenNumber = 0;
  let keyNumber = 0;
  const tokens = new TokenCache(
    async () => ({ value: `token-${++tokenNumber}`, expiresAt: Date.now() + 3_600_000 }),
    60_000,
  );
  const send = vi.fn(async (input: RequestInfo | URL, init: RequestInit = {}) => {
    sent.push({
      url: String(input instanceof Request ? input.url : input),
      method: init.method ?? "GET",
      headers: new Headers(init.headers),
      body: init.body as string | undefined,
      signal: init.signal,
    });
    const reply = replies.shift();
    if (reply === undefined) throw new Error("no reply left");
    if (reply instanceof Error) throw reply;
    return typeof reply === "function" ? reply() : reply;
  });
  const onProblem = vi.fn();
  const onSignInNeeded = vi.fn();
  const chatFetch = createChatFetch({
    baseUrl: API,
    tokens,
    locale: () => "ur",
    onProblem,
    onSignInNeeded,
    fetch: send as typeof fetch,
    keys: new KeyRing(() => `key-${++keyNumber}`),
    ...options,
  });
  const post = (type: string, params: object = {}, init: RequestInit = {}) =>
    chatFetch(CHATKIT, { method: "POST", body: JSON.stringify({ type, params }), ...init });
  return { chatFetch, post, sent, onProblem, onSignInNeeded };
}

const ok = () => Response.json({});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const EVENT = "id: 1\ndata: {}\n\n";
const END = ": end\n";

/** A stream of a run, which is closed after its text, or cut. */
const run =
  (text: string, after: "close" | "cut" = "close"): Reply =>
  () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
        pull: (controller) =>
          after === "cut" ? controller.error(new TypeError("cut")) : controller.close(),
      }),
      { headers: { "x-sidestream-run-id": "run_1", "x-sidestream-thread-id": "thr_1" } },
    );

/** Let every pause pass while a promise settles. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await vi.runAllTimersAsync();
  return promise;
}

describe("where the token goes", () => {
  it("sends token and language to the API", async () => {
    const { post, sent } = setup([ok()]);
    await settled(post("threads.list"));
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer token-1");
    expect(sent[0]?.headers.get("accept-language")).toBe("ur");
  });

  it.each(["Asia/Karachi", "America/New_York", "Pacific/Kiritimati"])(
    "sends where the person is, now: %s",
    async (zone) => {
      vi.stubEnv("TZ", zone);
      const { post, sent } = setup([ok(), ok()]);
      await settled(post("threads.create"));
      vi.stubEnv("TZ", "Europe/London");
      await settled(post("threads.list"));
      vi.unstubAllEnvs();
      const zones = sent.map(({ headers }) => headers.get("x-sidestream-time-zone"));
      expect(zones).toEqual([zone, "Europe/London"]);
    },
  );

  it.each([
    "https://api.openai.com/v1/chatkit/domain_keys/verify",
    "https://api.test.evil.example/api/chatkit",
    "https://api.test:8443/api/chatkit",
    "http://api.test/api/chatkit",
    "https://api.test/api/chatkits",
    "https://api.test/other",
    "https://evil.example/https://api.test/api/chatkit",
    "https://api.test@evil.example/api/chatkit",
  ])("sends nothing of ours to %s", async (url) => {
    const { chatFetch, sent } = setup([ok()]);
    await chatFetch(url, { method: "POST", body: '{"type":"threads.create"}' });
    expect([...(sent[0]?.headers.keys() ?? [])]).toEqual([]);
  });

  it("knows the routes beside the endpoint", () => {
    expect(isChatApi(new URL(`${CHATKIT}/threads/thr_1/stop`), API)).toBe(true);
    expect(isChatApi(new URL(`${CHATKIT}?x=1`), API)).toBe(true);
  });

  it("takes a Request object too", async () => {
    const { chatFetch, sent } = setup([ok()]);
    const body = JSON.stringify({ type: "threads.list", params: {} });
    await settled(chatFetch(new Request(CHATKIT, { method: "POST", body })));
    expect(sent[0]).toMatchObject({ method: "POST", body });
  });

  it("takes one of a browser that has no Request.body, with its key", async () => {
    const { chatFetch, sent } = setup([ok()]);
    const body = JSON.stringify({ type: "threads.create", params: {} });
    const request = new Request(CHATKIT, { method: "POST", body });
    Object.defineProperty(request, "body", { value: undefined });
    await settled(chatFetch(request));
    expect(sent[0]).toMatchObject({ method: "POST", body });
    expect(sent[0]?.headers.get("idempotency-key")).toBe("key-1");
  });

  it.each([
    ["bytes", (text: string) => new TextEncoder().encode(text)],
    ["a blob", (text: string) => new Blob([text], { type: "application/json" })],
    ["a stream", (text: string) => new Response(text).body!],
  ])("takes a body of %s, with its key", async (_, bodyOf) => {
    const { chatFetch, sent } = setup([ok()]);
    const text = JSON.stringify({ type: "threads.create", params: {} });
    await settled(chatFetch(CHATKIT, { method: "POST", body: bodyOf(text) }));
    expect(sent[0]).toMatchObject({ method: "POST", body: text });
    expect(sent[0]?.headers.get("idempotency-key")).toBe("key-1");
  });

  it("sends a request without a body as one without", async () => {
    const { chatFetch, sent } = setup([ok()]);
    await settled(chatFetch(new Request(`${CHATKIT}/threads/thr_1/stop`, { method: "POST" })));
    expect(sent[0]).toMatchObject({ method: "POST", body: undefined });
  });
});

describe("an expired token", () => {
  it("is replaced once, silently", async () => {
    const { post, sent, onSignInNeeded, onProblem } = setup([problem(401, "unauthorized"), ok()]);
    const response = await settled(post("threads.list"));
    expect(response.status).toBe(200);
    expect(sent.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer token-1",
      "Bearer token-2",
    ]);
    expect(onSignInNeeded).not.toHaveBeenCalled();
    expect(onProblem).not.toHaveBeenCalled();
  });

  it("leads to sign-in when the fresh one is refused too", async () => {
    const { post, sent, onSignInNeeded } = setup([
      problem(401, "unauthorized"),
      problem(401, "unauthorized"),
    ]);
    const response = await settled(post("threads.list"));
    expect(response.status).toBe(401);
    expect(sent).toHaveLength(2);
    expect(onSignInNeeded).toHaveBeenCalledTimes(1);
  });
});

describe("reads", () => {
  it("are tried again after failures of network and server, without a key", async () => {
    const { post, sent } = setup([
      new TypeError("Failed to fetch"),
      problem(503, "database_unavailable"),
      ok(),
    ]);
    expect((await settled(post("threads.get_by_id"))).status).toBe(200);
    expect(sent).toHaveLength(3);
    expect(sent.every(({ headers }) => !headers.has("idempotency-key"))).toBe(true);
  });

  it("wait as long as Retry-After says", async () => {
    const { post, sent } = setup([problem(429, "rate_limited", {}, { "retry-after": "2" }), ok()]);
    const result = post("threads.list");
    await vi.advanceTimersByTimeAsync(1_999);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    await settled(result);
    expect(sent).toHaveLength(2);
  });

  it.each([403, 404, 413, 422])(
    "are not tried again after %i, and the answer is given",
    async (status) => {
      const { post, sent, onProblem } = setup([problem(status, "no", { retryable: false })]);
      const response = await settled(post("threads.list"));
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ code: "no" });
      expect(sent).toHaveLength(1);
      expect(onProblem.mock.calls[0]?.[0]).toMatchObject({ status });
    },
  );

  it("give up in the end, with the failure itself", async () => {
    const { post, onProblem } = setup(Array.from({ length: 9 }, () => new TypeError("offline")));
    await expect(settled(post("threads.list"))).rejects.toThrow("offline");
    expect(onProblem).toHaveBeenCalledTimes(1);
  });
});

describe("writes", () => {
  it("carry a key, the same in every attempt", async () => {
    const { post, sent } = setup([new TypeError("cut"), problem(503, "unavailable"), ok()]);
    await settled(post("threads.create", { input: "a" }));
    expect(sent.map(({ headers }) => headers.get("idempotency-key"))).toEqual([
      "key-1",
      "key-1",
      "key-1",
    ]);
  });

  it("keep their key when the same message is sent again after a failure", async () => {
    const failures = Array.from({ length: 3 }, () => new TypeError("cut"));
    const { post, sent } = setup([...failures, ok()]);
    await expect(settled(post("threads.create", { input: "a" }))).rejects.toThrow();
    await settled(post("threads.create", { input: "a" }));
    expect(new Set(sent.map(({ headers }) => headers.get("idempotency-key")))).toEqual(
      new Set(["key-1"]),
    );
  });

  it("get a new key once the stream of the last one has ended", async () => {
    const { post, sent } = setup([run(EVENT + END), run(EVENT + END)]);
    await (await settled(post("threads.create", { input: "a" }))).text();
    await (await settled(post("threads.create", { input: "a" }))).text();
    expect(sent.map(({ headers }) => headers.get("idempotency-key"))).toEqual(["key-1", "key-2"]);
  });

  it("keep their key when their stream ended before its run, until one of its streams does not", async () => {
    const { post, chatFetch, sent } = setup([run(EVENT), run(EVENT), run(END), run(END)]);
    const say = async () => (await settled(post("threads.create", { input: "a" }))).text();
    await say();
    await say();
    await (await settled(chatFetch(`${CHATKIT}/runs/run_1/events?after=1`))).text();
    await say();
    expect(
      sent
        .filter(({ method }) => method === "POST")
        .map(({ headers }) => headers.get("idempotency-key")),
    ).toEqual(["key-1", "key-1", "key-2"]);
  });

  it("keep their key when their stream was cut", async () => {
    const { post, sent } = setup([run(EVENT, "cut"), ok()]);
    const response = await settled(post("threads.create", { input: "a" }));
    await expect(response.text()).rejects.toThrow();
    await settled(post("threads.create", { input: "a" }));
    expect(sent.map(({ headers }) => headers.get("idempotency-key"))).toEqual(["key-1", "key-1"]);
  });

  it("are not repeated while another answer is being written", async () => {
    const { post, sent } = setup([problem(409, "run_in_progress", { retryable: true })]);
    expect((await settled(post("threads.add_user_message"))).status).toBe(409);
    expect(sent).toHaveLength(1);
  });

  it("wait for their own first attempt to be answered", async () => {
    const { post, sent } = setup([
      problem(409, "key_in_progress", { retryable: true }, { "retry-after": "1" }),
      ok(),
    ]);
    expect((await settled(post("threads.create"))).status).toBe(200);
    expect(sent).toHaveLength(2);
  });
});

describe("aborting a stream", () => {
  const endless =
    (threadId = "thr_new") =>
    () =>
      new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array([58, 10])) }), {
        headers: { "x-sidestream-thread-id": threadId },
      });

  it("tells the API to stop the thread", async () => {
    const { post, sent } = setup([endless(), ok()]);
    const controller = new AbortController();
    await post("threads.add_user_message", { thread_id: "thr_1" }, { signal: controller.signal });
    controller.abort();
    await vi.runAllTimersAsync();
    expect(sent[1]).toMatchObject({ url: `${CHATKIT}/threads/thr_1/stop`, method: "POST" });
    expect(sent[1]?.headers.get("authorization")).toBe("Bearer token-1");
    expect(sent[0]?.signal?.aborted).toBe(true);
  });

  it("learns the thread of a new conversation from the headers that are still to come", async () => {
    let answer: (response: Response) => void = () => {};
    const { post, sent } = setup([() => new Promise((resolve) => (answer = resolve)), ok()]);
    const controller = new AbortController();
    const result = post("threads.create", {}, { signal: controller.signal });
    result.catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    controller.abort();
    await expect(result).rejects.toMatchObject({ name: "AbortError" });
    expect(sent[0]?.signal?.aborted).toBe(false);
    answer(endless("thr_late")());
    await vi.advanceTimersByTimeAsync(0);
    expect(sent[1]?.url).toBe(`${CHATKIT}/threads/thr_late/stop`);
    await vi.runAllTimersAsync();
    expect(sent[0]?.signal?.aborted).toBe(true);
  });

  it("stops nothing once the stream has ended", async () => {
    const { post, sent } = setup([run(EVENT + END)]);
    const controller = new AbortController();
    const response = await post(
      "threads.add_user_message",
      { thread_id: "thr_1" },
      { signal: controller.signal },
    );
    await response.text();
    controller.abort();
    await vi.runAllTimersAsync();
    expect(sent).toHaveLength(1);
  });

  it("stops nothing for a read", async () => {
    const { post, sent } = setup([() => new Promise(() => {})]);
    const controller = new AbortController();
    const result = post("threads.list", {}, { signal: controller.signal });
    result.catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    controller.abort();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sent).toHaveLength(1);
  });
});

describe("KeyRing", () => {
  it("forgets what was left unsettled long ago", () => {
    let now = 0;
    let number = 0;
    const keys = new KeyRing(
      () => `key-${++number}`,
      () => now,
    );
    expect(keys.take("a")).toBe("key-1");
    now += 9 * 60_000;
    expect(keys.take("a")).toBe("key-1");
    now += 2 * 60_000;
    expect(keys.take("a")).toBe("key-2");
  });
});
