import { describe, expect, it } from "vitest";
import { initial, written } from "@/lib/text";

describe("what is written", () => {
  it.each([
    ["nothing", ""],
    ["space", " \t\u00a0\u3000"],
    ["zero-width characters", "\u200b\u200c\u200d\ufeff\u2060"],
    ["marks of direction", "\u200e\u200f\u202e\u2067\u2069\u061c"],
    ["soft hyphens and fillers", "\u00ad\u3164\u115f\u2800"],
    ["lines and controls", "\u2028\u2029\u0085\u0000\u0007"],
    ["tags and selectors", "\u{e0041}\ufe0f"],
  ])("is empty for %s", (_, text) => {
    expect(written(text)).toBe("");
    expect(written(` ${text}`)).toBe("");
  });

  it.each(["milk", "دودھ", "می\u200cخواہم", "👩‍👩‍👧", "٪", ".", "\u200fدودھ", "e\u0301"])(
    "is %j as it stands",
    (text) => expect(written(`  ${text}\n`)).toBe(text),
  );

  it("is empty where there is no text", () => {
    expect([written(null), written(undefined)]).toEqual(["", ""]);
  });
});

describe("a name's initial", () => {
  it.each([
    ["Amina Khan", "A"],
    ["\u200f آمنہ", "آ"],
    ["e\u0301lodie", "e\u0301"],
    ["👩‍🚀 Ada", "👩‍🚀"],
    ["\u200b \u202e", ""],
  ])("of %j is %j", (name, letter) => expect(initial(name)).toBe(letter));
});
