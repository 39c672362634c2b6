import { describe, expect, it } from "vitest";
import { safePath } from "@/lib/auth/paths";

describe("safePath", () => {
  it("keeps paths of the page", () => {
    expect(safePath("/chatbot?panel=local", "/home")).toBe("/chatbot?panel=local");
  });

  it.each([undefined, "", "https://evil.example", "//evil.example", "/\\evil.example", "chatbot"])(
    "leads %s home",
    (path) => expect(safePath(path, "/home")).toBe("/home"),
  );
});
