import { describe, expect, it, vi } from "vitest";
import { joined, nextPage, type Page } from "@/lib/pages";
import { Problem } from "@/lib/problems";

const row = (id: string, title = id) => ({ id, title });
const rows = (...ids: string[]) => ids.map((id) => row(id));
const refusal = (status: number, kind: Problem["kind"]) =>
  new Problem({ kind, status, code: kind, retryable: status >= 500 });

describe("pages that overlap", () => {
  it("give each row once, where it stood first, as it was read last", () => {
    expect(joined([row("a"), row("b", "old")], [row("b", "new"), row("c")])).toEqual([
      row("a"),
      row("b", "new"),
      row("c"),
    ]);
  });

  it("give each row once within one page too", () => {
    expect(joined([], rows("a", "b", "a"))).toEqual(rows("a", "b"));
  });
});

describe("the next page", () => {
  /** A list of pages by their cursors; the first is under "". */
  const list = (pages: Record<string, Page<{ id: string; title: string }> | Problem>) =>
    vi.fn(async (after = "") => {
      const page = pages[after];
      if (!page) throw new Error(`no page after ${after}`);
      if (page instanceof Problem) throw page;
      return page;
    });

  it("is the one after the cursor", async () => {
    const read = list({ "1": { data: rows("b"), has_more: true, after: "2" } });
    const page = await nextPage(read, "1", rows("a"));
    expect(page).toEqual({ data: rows("b"), has_more: true, after: "2" });
  });

  it.each([
    [404, "not_found"],
    [400, "invalid"],
  ] as const)("begins anew when its cursor is answered by %i", async (status, kind) => {
    const read = list({
      "": { data: rows("a", "b"), has_more: true, after: "new 1" },
      "new 1": { data: rows("c"), has_more: true, after: "new 2" },
      old: refusal(status, kind),
    });
    const page = await nextPage(read, "old", rows("a", "b"));
    expect(page).toMatchObject({ has_more: true, after: "new 2" });
    expect(page.data.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it.each([
    [503, "server"],
    [401, "sign_in"],
  ] as const)("is not looked for elsewhere after a %i", async (status, kind) => {
    const read = list({ "1": refusal(status, kind) });
    await expect(nextPage(read, "1", [])).rejects.toMatchObject({ kind });
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("is read on while it has nothing new", async () => {
    const read = list({
      "1": { data: rows("a"), has_more: true, after: "2" },
      "2": { data: rows("b"), has_more: false },
    });
    const page = await nextPage(read, "1", rows("a"));
    expect(page).toEqual({ data: rows("a", "b"), has_more: false });
  });

  it("is not asked for again and again by a server that stands still", async () => {
    const read = list({ "1": { data: rows("a"), has_more: true, after: "1" } });
    await nextPage(read, "1", rows("a"));
    expect(read).toHaveBeenCalledTimes(1);
  });
});
