import { describe, expect, it } from "vitest";
import {
  extensionsByType,
  fileType,
  offered,
  type FileRules,
} from "@/features/assistant/bridge/files";

const RULES: FileRules = {
  max_bytes: 100,
  max_count: 5,
  types: ["image/jpeg", "text/csv", "text/markdown", "text/plain"],
  extensions: {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".txt": "text/plain",
  },
};

const file = (name: string, type: string, size = 5) => ({ name, type, size });

describe("a file's type", () => {
  it.each([
    ["list.csv", "application/vnd.ms-excel", "text/csv"],
    ["notes.md", "", "text/markdown"],
    ["notes.md", "application/octet-stream", "text/markdown"],
    ["NOTES.MD ", "text/plain", "text/markdown"],
    ["pasted", "text/plain;charset=utf-8", "text/plain"],
    ["pasted", 'Text/Plain; charset="utf-8"', "text/plain"],
    ["photo.of.me.JPG", "image/jpeg", "image/jpeg"],
    ["list.csv.unknown", "text/csv", "text/csv"],
  ])("of %j, which the browser calls %j, is %j", (name, type, found) => {
    expect(fileType(file(name, type), RULES)).toEqual({ type: found });
  });

  it.each([
    ["sheet.xls", "application/vnd.ms-excel"],
    ["movie.mp4", "video/mp4"],
    ["no end", ""],
    [".constructor", ""],
    ["a.toString", ""],
  ])("is not taken for %j, which the browser calls %j", (name, type) => {
    expect(fileType(file(name, type), RULES)).toEqual({ fault: "type" });
  });

  it("does not matter when the file is empty or too large", () => {
    expect(fileType(file("a.txt", "text/plain", 0), RULES)).toEqual({ fault: "empty" });
    expect(fileType(file("a.txt", "text/plain", 100), RULES)).toEqual({ type: "text/plain" });
    expect(fileType(file("a.txt", "text/plain", 101), RULES)).toEqual({ fault: "large" });
  });
});

describe("what is offered", () => {
  it("has the names beside the types, for systems that know only one of them", () => {
    expect(offered(RULES).split(",")).toEqual([...RULES.types, ...Object.keys(RULES.extensions!)]);
  });

  it("is for ChatKit each type with its names", () => {
    expect(extensionsByType(RULES)).toEqual({
      "image/jpeg": [".jpg", ".jpeg"],
      "text/csv": [".csv"],
      "text/markdown": [".md"],
      "text/plain": [".txt"],
    });
  });

  it("is the types alone where the API gives no names", () => {
    const old: FileRules = { ...RULES, extensions: undefined };
    expect(offered(old)).toBe(RULES.types.join());
    expect(extensionsByType(old)).toEqual(Object.fromEntries(RULES.types.map((t) => [t, []])));
    expect(fileType(file("a.md", "text/markdown"), old)).toEqual({ type: "text/markdown" });
  });
});
