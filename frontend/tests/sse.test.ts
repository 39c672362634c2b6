import { describe, expect, it } from "vitest";
import { readEvents, type ServerSentEvent } from "@/features/assistant/bridge/sse";

function body(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      }
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of readEvents(stream)) events.push(event);
  return events;
}

const data = async (...chunks: (string | Uint8Array)[]) =>
  (await all(body(...chunks))).map((event) => event.data);

describe("readEvents", () => {
  it("reads ids, names and data, and keeps the last id", async () => {
    const events = await all(body('id: 3\nevent: tool\ndata: {"a":1}\n\ndata: next\n\n'));
    expect(events).toEqual([
      { id: "3", event: "tool", data: '{"a":1}' },
      { id: "3", event: "message", data: "next" },
    ]);
  });

  it("joins several data lines and takes one space away", async () => {
    expect(await data("data: one\ndata:two\ndata:  three\n\n")).toEqual(["one\ntwo\n three"]);
  });

  it("passes over comments, unknown fields and empty events", async () => {
    expect(await data(": ping\n\nretry: 3\n\nevent: none\n\ndata\n\n")).toEqual([""]);
  });

  it("tells comments apart from events, within one too", async () => {
    const comments: string[] = [];
    const events: string[] = [];
    const stream = body(":\n:  two\nid: 1\n: three\ndata: a\n\n: end\n");
    for await (const event of readEvents(stream, { onComment: (text) => comments.push(text) })) {
      events.push(event.data);
    }
    expect(events).toEqual(["a"]);
    expect(comments).toEqual(["", " two", "three", "end"]);
  });

  it("reads all three line ends", async () => {
    expect(await data("data: a\r\n\r\ndata: b\r\rdata: c\n\n")).toEqual(["a", "b", "c"]);
  });

  it("ends a line at nothing else", async () => {
    const text = "a\u2028b\u2029c\u0085d\u000be\u000cf\u001cg";
    expect(await data(`data: ${text}\n\ndata: ${text}\r\r\n`)).toEqual([text, text]);
  });

  it("gives the same events however the bytes are cut", async () => {
    const bytes = new TextEncoder().encode("id: 1\r\ndata: کتاب 📚\r\n\r\nid: 2\ndata: x\n\n");
    const whole = await all(body(bytes));
    expect(whole.map((event) => event.data)).toEqual(["کتاب 📚", "x"]);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(await all(body(bytes.slice(0, cut), bytes.slice(cut)))).toEqual(whole);
    }
    const single = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(await all(body(...single))).toEqual(whole);
  });

  it("gives no half event when the line is cut", async () => {
    expect(await data("data: whole\n\ndata: hal")).toEqual(["whole"]);
    expect(await data("data: whole\n\ndata: half\n")).toEqual(["whole"]);
  });

  it("passes on the failure of the line, after the events before it", async () => {
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: a\n\n")),
      pull: (controller) => controller.error(new Error("cut")),
    });
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const event of readEvents(stream)) seen.push(event.data);
      })(),
    ).rejects.toThrow("cut");
    expect(seen).toEqual(["a"]);
  });

  it("ends the request when the reader leaves early", async () => {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: a\n\n")),
      cancel: () => void (cancelled = true),
    });
    for await (const event of readEvents(stream)) {
      expect(event.data).toBe("a");
      break;
    }
    expect(cancelled).toBe(true);
  });
});
