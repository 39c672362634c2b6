import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TasksApi } from "@/features/tasks/api";
import { TokenCache } from "@/lib/tokens";

function setup(...replies: (Response | Error)[]) {
  return setupFor("user/1", ...replies);
}

function setupFor(userId: string, ...replies: (Response | Error)[]) {
  const sent: { url: string; init: RequestInit; headers: Headers }[] = [];
  let count = 0;
  const tokens = new TokenCache(
    async () => ({ value: `jwt-${++count}`, expiresAt: Date.now() + 3_600_000 }),
    0,
  );
  const send = async (input: RequestInfo | URL, init: RequestInit = {}) => {
    init.signal?.throwIfAborted();
    sent.push({ url: String(input), init, headers: new Headers(init.headers) });
    const reply = replies.shift();
    if (!reply || reply instanceof Error) throw reply ?? new Error("no reply left");
    return reply;
  };
  const api = new TasksApi("https://tasks.test", userId, tokens, () => "ur", send as typeof fetch);
  return { api, sent };
}

const page = () => Response.json({ data: [], has_more: false, after: null });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await vi.runAllTimersAsync();
  return promise;
}

describe("TasksApi", () => {
  it("asks for a page by filter and words, as the person", async () => {
    const { api, sent } = setup(page());
    await settled(api.list({ filter: "open", query: "milk & eggs", after: "tsk_9" }));
    expect(sent[0]?.url).toBe(
      "https://tasks.test/api/user%2F1/tasks?limit=50&completed=false&q=milk+%26+eggs&after=tsk_9",
    );
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer jwt-1");
  });

  it.each([
    ["https://id.example/users/1", "https%3A%2F%2Fid.example%2Fusers%2F1"],
    ["100%?#", "100%25%3F%23"],
    ["..", "%252E%252E"],
    [".", "%252E"],
    ["...", "..."],
  ])("keeps the id %s whole in every browser", async (userId, segment) => {
    const { api, sent } = setupFor(userId, page());
    await settled(api.list({ filter: "all", query: "" }));
    expect(new URL(sent[0]!.url).pathname).toBe(`/api/${segment}/tasks`);
  });

  it("adds under one key, however often it has to try", async () => {
    const { api, sent } = setup(new TypeError("cut"), Response.json({ id: "tsk_1" }));
    await settled(api.add({ title: "milk", notes: "", due_at: null }));
    const keys = sent.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys[0]).toBeTruthy();
    expect(keys[1]).toBe(keys[0]);
  });

  it("replaces a refused token once", async () => {
    const { api, sent } = setup(Response.json({}, { status: 401 }), page());
    await settled(api.list({ filter: "all", query: "" }));
    expect(sent[1]?.headers.get("authorization")).toBe("Bearer jwt-2");
  });

  it("takes a task that is gone for deleted", async () => {
    const { api } = setup(Response.json({ code: "not_found" }, { status: 404 }));
    await expect(settled(api.remove("tsk_1"))).resolves.toBeUndefined();
  });

  it("throws the problem that the API states", async () => {
    const { api, sent } = setup(Response.json({ code: "invalid" }, { status: 422 }));
    await expect(settled(api.change("tsk_1", { title: "" }))).rejects.toMatchObject({
      kind: "invalid",
      status: 422,
    });
    expect(sent).toHaveLength(1);
  });

  it("passes an abort on as it is", async () => {
    const { api } = setup(page());
    const reason = new Error("left");
    await expect(
      settled(api.list({ filter: "all", query: "" }, AbortSignal.abort(reason))),
    ).rejects.toBe(reason);
  });
});
