import { describe, expect, it } from "vitest";
import { isMark, REASONS, reasonOf } from "@/features/assistant/bridge/incomplete";
import type { Annotation, AssistantMessageItem } from "@/features/assistant/bridge/protocol";

const LINK: Annotation = { type: "annotation", source: { type: "url", title: "A", url: "x" } };

function mark(reason: unknown): Annotation {
  const data = { incomplete: reason };
  return {
    type: "annotation",
    source: { type: "entity", id: "incomplete", title: "Here", data },
    index: 3,
  };
}

function message(...annotations: Annotation[]): AssistantMessageItem {
  return {
    id: "msg_1",
    thread_id: "thr_1",
    created_at: "2026-11-20T12:00:00Z",
    type: "assistant_message",
    content: [
      { type: "output_text", text: "One", annotations: [LINK] },
      { type: "output_text", text: "two", annotations },
    ],
  };
}

describe("an answer that is not whole", () => {
  it.each(REASONS)("is known by its mark: %s", (reason) => {
    expect(reasonOf(message(LINK, mark(reason)))).toBe(reason);
  });

  it.each(["hiccup", 7, undefined])("of a reason that is not known was interrupted: %s", (word) => {
    expect(reasonOf(message(mark(word)))).toBe("interrupted");
  });

  it("is told from a whole one", () => {
    expect(reasonOf(message(LINK))).toBeNull();
    expect(reasonOf({ ...message(), content: [] })).toBeNull();
    const entity = { type: "entity", id: "tsk_1", title: "B" } as const;
    expect(isMark({ type: "annotation", source: entity })).toBe(false);
    expect(isMark({ ...LINK, source: { ...LINK.source, id: "incomplete" } })).toBe(false);
  });
});
