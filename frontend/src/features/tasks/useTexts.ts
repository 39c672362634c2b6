/** The texts of the tasks, beside those of the page. */
import { useLanguage } from "@/components/LanguageProvider";
import type { PageKey } from "@/lib/i18n/messages";
import type { Translator } from "@/lib/i18n/translate";
import type en from "./texts/en";

export type TasksKey = keyof typeof en | PageKey;
export type TasksTexts = Translator<TasksKey>;

export const useTexts = useLanguage<TasksKey>;
