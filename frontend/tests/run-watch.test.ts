import { describe, expect, it } from "vitest";
import type { ThreadEvent, ThreadItem } from "@/features/assistant/bridge/protocol";
import { RunWatch } from "@/features/assistant/bridge/run-watch";

const item = (type: string, id = type) => ({ id, type }) as ThreadItem;
const added = (type: string): ThreadEvent => ({ type: "thread.item.added", item: item(type) });
const done = (type: string): ThreadEvent => ({ type: "thread.item.done", item: item(type) });

function whole(...events: ThreadEvent[]): boolean {
  const watch = new RunWatch();
  for (const event of events) watch.see(event);
  return watch.isWhole;
}

describe("a run", () => {
  it("could be over after an answer in words, a widget or a question", () => {
    expect(whole(done("user_message"), added("assistant_message"), done("assistant_message"))).toBe(
      true,
    );
    expect(whole(done("widget"))).toBe(true);
    expect(whole(done("structured_input"))).toBe(true);
    expect(whole({ type: "thread.item.replaced", item: item("widget") })).toBe(true);
  });

  it("cannot be over with nothing but the question, or after the tools alone", () => {
    expect(whole()).toBe(false);
    expect(whole(done("user_message"))).toBe(false);
    expect(whole(done("user_message"), added("workflow"), done("workflow"))).toBe(false);
  });

  it("cannot be over in the middle of an item", () => {
    expect(whole(done("widget"), added("assistant_message"))).toBe(false);
    expect(
      whole(done("widget"), added("assistant_message"), {
        type: "thread.item.removed",
        item_id: "assistant_message",
      }),
    ).toBe(true);
  });

  it("is over after an error", () => {
    expect(whole(added("assistant_message"), { type: "error", code: "custom" })).toBe(true);
  });
});
