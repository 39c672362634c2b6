/** What an empty conversation offers, in either panel. */
import type { StartScreenPrompt } from "@openai/chatkit-react";
import type { Translator } from "@/lib/i18n/translate";

export interface Prompt {
  label: string;
  prompt: string;
  icon: NonNullable<StartScreenPrompt["icon"]>;
}

export function prompts({ t }: Translator): Prompt[] {
  return [
    { label: t("assistant.prompt.add"), prompt: t("assistant.prompt.add_text"), icon: "plus" },
    {
      label: t("assistant.prompt.list"),
      prompt: t("assistant.prompt.list_text"),
      icon: "check-circle",
    },
    {
      label: t("assistant.prompt.plan"),
      prompt: t("assistant.prompt.plan_text"),
      icon: "calendar",
    },
  ];
}

export function firstName(name: string): string {
  return name.trim().split(/\s+/)[0] ?? "";
}
