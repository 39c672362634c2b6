/** What stands in the way of the assistant, and the words for it. */
import { problemWords, type Words } from "@/components/ProblemNote";
import type { Problem, ProblemKind } from "@/lib/problems";
import type { AssistantTexts } from "./useTexts";

/** Two kinds that no failed request tells: the API's health does, and OpenAI's component. */
export type HelpKind = ProblemKind | "api_key" | "domain_key";

export interface Help {
  kind: HelpKind;
  problem?: Problem;
}

/** Give the words for what stands in the way of an API at an address. */
export function helpWords(texts: AssistantTexts, { kind, problem }: Help, url: string): Words {
  const { t } = texts;
  switch (kind) {
    case "api_key":
      return { title: t("problem.api_key.title"), body: t("problem.api_key.body") };
    case "domain_key": {
      const { host } = location;
      return {
        title: t("problem.domain_key.title"),
        body: t("problem.domain_key.body", { host }),
      };
    }
    default:
      return problemWords(texts, kind, { url, problem });
  }
}
