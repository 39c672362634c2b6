import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CHAT_PATH } from "@/features/assistant/bridge/fetch";
import { steady } from "@/features/assistant/bridge/steady";

const API = "https://api.test";
const CHATKIT = API + CHAT_PATH;

function setup(...replies: (Response | Error)[]) {
  const urls: string[] = [];
  const send = async (input: RequestInfo | URL) => {
    urls.push(String(input).replace(CHATKIT, ""));
    const reply = replies.shift() ?? new Error("no reply left");
    if (reply instanceof Error) throw reply;
    return reply;
  };
  return { fetch: steady(send as typeof fetch, API), urls };
}

function run(text: string, cut = false): Response {
  return new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
      pull: (controller) => (cut ? controller.error(new TypeError("cut")) : controller.close()),
    }),
    { headers: { "content-type": "text/event-stream", "x-sidestream-run-id": "run_1" } },
  );
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function read(response: Promise<Response>): Promise<string> {
  const text = response.then((found) => found.text());
  text.catch(() => {});
  await vi.runAllTimersAsync();
  return text;
}

describe("the fetch of OpenAI's component", () => {
  it("gives events and nothing else", async () => {
    const { fetch, urls } = setup(run(':\nid: 1\ndata: {"n":1}\n\n:\nid: 2\ndata: 2\n\n: end\n'));
    expect(await read(fetch(CHATKIT))).toBe('data: {"n":1}\n\ndata: 2\n\n');
    expect(urls).toHaveLength(1);
  });

  it("goes on where the line broke", async () => {
    const { fetch, urls } = setup(
      run("id: 1\ndata: 1\n\nid: 2\nda", true),
      new TypeError("offline"),
      run("id: 2\ndata: 2\n\n"),
      run(": end\n"),
    );
    expect(await read(fetch(CHATKIT))).toBe("data: 1\n\ndata: 2\n\n");
    expect(urls.slice(1)).toEqual([1, 1, 2].map((last) => `/runs/run_1/events?after=${last}`));
  });

  it("goes on for as long as streams are left off that lived, and say nothing", async () => {
    const silent = Array.from({ length: 20 }, () => run(":\n\n"));
    const { fetch, urls } = setup(
      run("id: 1\ndata: 1\n\n"),
      ...silent,
      run("id: 2\ndata: 2\n\n: end\n"),
    );
    expect(await read(fetch(CHATKIT))).toBe("data: 1\n\ndata: 2\n\n");
    expect(urls).toHaveLength(22);
  });

  it("fails when the run cannot be found again", async () => {
    const gone = Response.json({ code: "not_found" }, { status: 404 });
    const { fetch } = setup(run("id: 1\ndata: 1\n\n"), gone);
    await expect(read(fetch(CHATKIT))).rejects.toMatchObject({ kind: "not_found" });
  });

  it("leaves every other answer as it is", async () => {
    const answer = Response.json({ data: [] });
    expect(await setup(answer).fetch(CHATKIT)).toBe(answer);
  });

  it("resumes no longer once it has been aborted", async () => {
    const controller = new AbortController();
    const { fetch, urls } = setup(run("id: 1\ndata: 1\n\n", true));
    const text = read(fetch(CHATKIT, { signal: controller.signal }));
    controller.abort();
    await expect(text).rejects.toMatchObject({ name: "AbortError" });
    expect(urls).toHaveLength(1);
  });
});
