import { describe, expect, it } from "vitest";
import { disclaimer } from "@/features/assistant/bridge/health";
import type { AssistantKey } from "@/features/assistant/useTexts";
import { translator } from "@/lib/i18n/translate";
import { CATALOGUES } from "@/shell/catalogues";

function texts(code: string) {
  const { language, messages } = CATALOGUES.get(code)!;
  return translator<AssistantKey>(language, messages);
}

describe("what stands below the assistant", () => {
  it.each([...CATALOGUES.keys()])(
    "says in %s that a scripted model answers, and what to set",
    (code) => {
      expect(disclaimer({ status: "ok", scripted: true }, texts(code))).toContain("OPENAI_API_KEY");
    },
  );

  it.each([null, { status: "ok" }, { status: "ok", scripted: false }])(
    "is of a model's mistakes with %j",
    (health) => {
      expect(disclaimer(health, texts("en"))).toBe(texts("en").t("assistant.disclaimer"));
    },
  );
});
