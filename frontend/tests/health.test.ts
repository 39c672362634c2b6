import { describe, expect, it } from "vitest";
import { disclaimer } from "@/features/assistant/bridge/health";
import { en } from "@/lib/i18n/texts/en";
import { translator } from "@/lib/i18n/translate";
import { ur } from "@/lib/i18n/texts/ur";

describe("what stands below the assistant", () => {
  it.each([
    ["en", en],
    ["ur", ur],
  ] as const)("says in %s that a scripted model answers, and what to set", (language, messages) => {
    const words = disclaimer({ status: "ok", scripted: true }, translator(language, messages));

    expect(words).toContain("OPENAI_API_KEY");
  });

  it.each([null, { status: "ok" }, { status: "ok", scripted: false }])(
    "is of a model's mistakes with %j",
    (health) => {
      expect(disclaimer(health, translator("en", en))).toBe(en["assistant.disclaimer"]);
    },
  );
});
