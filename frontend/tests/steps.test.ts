import { describe, expect, it } from "vitest";
import { EMPTY, type Conversation } from "@/features/assistant/bridge/frames";
import type { Thread, ThreadItem } from "@/features/assistant/bridge/protocol";
import { step } from "@/features/assistant/bridge/steps";

const item = (id: string): ThreadItem => ({
  id,
  thread_id: "thr_1",
  created_at: "2026-01-05T09:00:00Z",
  type: "assistant_message",
  content: [],
});

const conversation = (...ids: string[]): Conversation => ({ ...EMPTY, items: ids.map(item) });

const ids = ({ items }: Conversation) => items.map(({ id }) => id);

describe("a step", () => {
  it("shows another thread, and nothing of the one before", () => {
    const thread: Thread = {
      id: "thr_2",
      created_at: "2026-01-05T09:00:00Z",
      status: { type: "active" },
      items: { data: [item("b1")], has_more: false },
    };
    const before: Conversation = {
      ...conversation("a1"),
      error: { type: "error", code: "interrupted" },
    };
    const after = step(before, { type: "show", thread });
    expect(ids(after)).toEqual(["b1"]);
    expect(after.thread?.id).toBe("thr_2");
    expect(after.error).toBeNull();
    expect(step(after, { type: "show", thread: null })).toEqual(EMPTY);
  });

  it("puts what is kept in the place of what was seen, and leaves the error", () => {
    const error = { type: "error", code: "custom" } as const;
    const before: Conversation = { ...conversation("a1", "a2", "a3"), error };
    const kept = (...names: string[]) =>
      step(before, { type: "kept", items: names.map((name) => item(name)) });
    expect(ids(kept("a2"))).toEqual(["a1", "a2"]);
    expect(ids(kept("a1", "a2", "a4"))).toEqual(["a1", "a2", "a4"]);
    expect(ids(kept("b1"))).toEqual(["b1"]);
    expect(kept("a2").error).toBe(error);
  });

  it("puts earlier items before the others", () => {
    const after = step(conversation("a3"), { type: "earlier", items: [item("a1"), item("a2")] });
    expect(ids(after)).toEqual(["a1", "a2", "a3"]);
  });

  it("cuts what came after an item, and keeps the item", () => {
    const after = step(conversation("a1", "a2", "a3"), { type: "cut", after: "a2" });
    expect(ids(after)).toEqual(["a1", "a2"]);
  });

  it("folds the events of a run, which its end closes", () => {
    const begun = step(conversation("a1"), { type: "begin" });
    const event = { type: "thread.item.added", item: item("a2") } as const;
    const open = step(begun, { type: "event", event });
    expect(ids(open)).toEqual(["a1", "a2"]);
    expect([...open.open]).toEqual(["a2"]);
    expect(step(open, { type: "end" }).open.size).toBe(0);
  });
});
