/** The texts of the assistant, beside those of the page. */
import { useLanguage } from "@/components/LanguageProvider";
import type { PageKey } from "@/lib/i18n/messages";
import type { Translator } from "@/lib/i18n/translate";
import type en from "./texts/en";

export type AssistantKey = keyof typeof en | PageKey;
export type AssistantTexts = Translator<AssistantKey>;

export const useTexts = useLanguage<AssistantKey>;
