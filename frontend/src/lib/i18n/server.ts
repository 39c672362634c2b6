/** The language of a request, for server components. */
import "server-only";
import { cookies, headers } from "next/headers";
import { en, type Messages } from "./en";
import { chooseLanguage, LANGUAGE_COOKIE, type Language } from "./language";
import { translator, type Translator } from "./translate";
import { ur } from "./ur";

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
