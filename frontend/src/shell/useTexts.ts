/** The texts of the whole page. */
import { useLanguage } from "@/components/LanguageProvider";
import type { MessageKey } from "./catalogues";

export const useTexts = useLanguage<MessageKey>;
