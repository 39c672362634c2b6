import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatClient } from "@/features/assistant/bridge/client";
import type { StreamingRequest, ThreadEvent } from "@/features/assistant/bridge/protocol";
import { Problem } from "@/lib/problems";

const API = "https://api.test";

const REQUEST: StreamingRequest = {
  type: "threads.create",
  params: { input: { content: [], attachments: [], inference_options: {} } },
};

type Handler = (url: string, init: RequestInit) => Response | Promise<Response>;

function setup(...handlers: Handler[]) {
  const urls: string[] = [];
  const bodies: unknown[] = [];
  const send = async (input: RequestInfo | URL, init: RequestInit = {}) => {
    urls.push(String(input).replace(API, ""));
    bodies.push(typeof init.body === "string" ? JSON.parse(init.body) : undefined);
    const handler = handlers.shift();
    if (!handler) throw new Error(`nothing answers ${String(input)}`);
    return handler(String(input), init);
  };
  const events: ThreadEvent[] = [];
  const broken: boolean[] = [];
  const client = new ChatClient(API, send as typeof fetch, () => 1);
  const handlersOf = {
    onEvent: (event: ThreadEvent) => events.push(event),
    onBroken: (state: boolean) => broken.push(state),
    onThread: vi.fn(),
  };
  return { client, urls, bodies, events, broken, handlers: handlersOf };
}

const progress = (text: string, id?: number) =>
  `${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify({ type: "progress_update", text })}\n\n`;

const END = ": end\n";

/** A stream of the run, which is cut after its text, ends there, or falls silent. */
function stream(text: string, after: "cut" | "close" | "silence" = "close"): Handler {
  return () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
        pull(controller) {
          if (after === "cut") controller.error(new TypeError("cut"));
          if (after === "close") controller.close();
          return after === "silence" ? new Promise(() => {}) : undefined;
        },
      }),
      { headers: { "x-sidestream-run-id": "run_1", "x-sidestream-thread-id": "thr_1" } },
    );
}

const texts = (events: ThreadEvent[]) =>
  events.map((event) => (event.type === "progress_update" ? event.text : event.type));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await vi.runAllTimersAsync();
  return promise;
}

describe("stream", () => {
  it("gives every event and names the thread", async () => {
    const { client, urls, events, handlers } = setup(
      stream(progress("a", 1) + progress("b", 2) + END),
    );
    await settled(client.stream(REQUEST, handlers));
    expect(texts(events)).toEqual(["a", "b"]);
    expect(handlers.onThread).toHaveBeenCalledWith("thr_1");
    expect(urls).toHaveLength(1);
  });

  it.each(["cut", "close", "silence"] as const)(
    "goes on after a stream without an end (%s), from the event after the last",
    async (how) => {
      const { client, urls, events, broken, handlers } = setup(
        stream(progress("a", 1) + progress("b", 2), how),
        stream(progress("c", 3) + END),
      );
      await settled(client.stream(REQUEST, handlers));
      expect(texts(events)).toEqual(["a", "b", "c"]);
      expect(urls.slice(1)).toEqual(["/api/chatkit/runs/run_1/events?after=2"]);
      expect(broken).toEqual([true, false]);
    },
  );

  it("drops an event whose number it has seen", async () => {
    const { client, events, handlers } = setup(
      stream(progress("a", 1) + progress("b", 2) + progress("a again", 1), "cut"),
      stream(progress("b again", 2) + progress("c", 3) + END),
    );
    await settled(client.stream(REQUEST, handlers));
    expect(texts(events)).toEqual(["a", "b", "c"]);
  });

  it("counts events that carry no number", async () => {
    const { client, urls, handlers } = setup(
      stream(progress("a") + progress("b") + progress("c"), "cut"),
      stream(END),
    );
    await settled(client.stream(REQUEST, handlers));
    expect(urls[1]).toContain("after=3");
  });

  it("does not take a silence for a dead line while the API says that it lives", async () => {
    let line: ReadableStreamDefaultController<Uint8Array> | undefined;
    const encoder = new TextEncoder();
    const { client, urls, events, broken, handlers } = setup(
      () =>
        new Response(new ReadableStream({ start: (controller) => void (line = controller) }), {
          headers: { "x-sidestream-run-id": "run_1", "x-sidestream-thread-id": "thr_1" },
        }),
      stream(progress("b", 2) + END),
    );
    const done = client.stream(REQUEST, handlers);
    await vi.advanceTimersByTimeAsync(0);
    for (let beat = 0; beat < 20; beat++) {
      line?.enqueue(encoder.encode(":\n"));
      await vi.advanceTimersByTimeAsync(15_000);
    }
    line?.enqueue(encoder.encode(progress("a", 1)));
    await vi.advanceTimersByTimeAsync(45_000);
    expect([urls.length, broken]).toEqual([1, []]);
    await settled(done);
    expect(texts(events)).toEqual(["a", "b"]);
    expect(broken).toEqual([true, false]);
  });

  it("throws the problem of a refusal", async () => {
    const { client, handlers } = setup(() =>
      Response.json({ code: "rate_limited" }, { status: 429, headers: { "retry-after": "7" } }),
    );
    const error = await settled(client.stream(REQUEST, handlers)).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ kind: "rate_limited", retryAfterMs: 7_000 });
  });

  it("sends the same body again under the same message id", async () => {
    const { client, bodies, handlers } = setup(stream(END), stream(END), stream(END));
    await settled(client.stream(REQUEST, handlers, "m1"));
    await settled(client.stream(REQUEST, handlers, "m1"));
    await settled(client.stream(REQUEST, handlers));
    expect(bodies[1]).toEqual(bodies[0]);
    expect(bodies[2]).not.toEqual(bodies[0]);
  });
});

describe("follow", () => {
  it("keeps trying while the line is down, and starts counting anew after progress", async () => {
    const down: Handler = () => Promise.reject(new TypeError("Failed to fetch"));
    const { client, urls, events, handlers } = setup(
      ...Array.from({ length: 6 }, () => down),
      stream(progress("a", 5), "cut"),
      ...Array.from({ length: 6 }, () => down),
      stream(progress("b", 6) + END),
    );
    await settled(client.follow("run_1", handlers, 4));
    expect(texts(events)).toEqual(["a", "b"]);
    expect(urls.at(0)).toContain("after=4");
    expect(urls.findLast((url) => url.includes("/events"))).toContain("after=5");
  });

  it("gives up after a while", async () => {
    const down: Handler = () => Promise.reject(new TypeError("Failed to fetch"));
    const { client, urls, handlers } = setup(...Array.from({ length: 20 }, () => down));
    await expect(settled(client.follow("run_1", handlers))).rejects.toMatchObject({
      kind: "unreachable",
    });
    expect(urls).toHaveLength(8);
  });

  it("gives up at once on a run that is gone", async () => {
    const { client, urls, handlers } = setup(() =>
      Response.json({ code: "not_found" }, { status: 404 }),
    );
    await expect(settled(client.follow("run_1", handlers))).rejects.toMatchObject({
      kind: "not_found",
    });
    expect(urls).toHaveLength(1);
  });
});

describe("threads", () => {
  it("are loaded whole when they are short", async () => {
    const { client, urls } = setup(() =>
      Response.json({ id: "thr_1", items: { data: [{ id: "a" }], has_more: false } }),
    );
    expect((await client.loadThread("thr_1")).items.data).toHaveLength(1);
    expect(urls).toHaveLength(1);
  });

  it("are loaded from their end when they are long", async () => {
    const { client, bodies } = setup(
      () => Response.json({ id: "thr_1", items: { data: [{ id: "old" }], has_more: true } }),
      () => Response.json({ data: [{ id: "c" }, { id: "b" }], has_more: true, after: "b" }),
    );
    const { items } = await client.loadThread("thr_1");
    expect(items).toEqual({ data: [{ id: "b" }, { id: "c" }], has_more: true, after: "b" });
    expect(bodies[1]).toMatchObject({ type: "items.list", params: { order: "desc" } });
  });

  it("have no run when there never was one", async () => {
    const { client } = setup(() => Response.json({ code: "not_found" }, { status: 404 }));
    expect(await client.lastRun("thr_1")).toBeNull();
  });
});
