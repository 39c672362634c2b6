/** The language of a request, for server components. */
import "server-only";
import { cookies, headers } from "next/headers";
import { en, type Messages } from "@/lib/i18n/texts/en";
import { chooseLanguage, LANGUAGE_COOKIE, type Language } from "@/lib/i18n/language";
import { translator, type Translator } from "@/lib/i18n/translate";
import { ur } from "@/lib/i18n/texts/ur";

const MESSAGES: Readonly<Record<Language, Messages>> = { en, ur };

export async function requestLanguage(): Promise<Language> {
  const cookie = (await cookies()).get(LANGUAGE_COOKIE)?.value;
  return chooseLanguage(cookie, (await headers()).get("accept-language"));
}

export function messagesOf(language: Language): Messages {
  return MESSAGES[language];
}

export async function serverTranslator(): Promise<Translator> {
  const language = await requestLanguage();
  return translator(language, messagesOf(language));
}
