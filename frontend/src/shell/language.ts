/** The language of a request, for server components. */
import "server-only";
import { cookies, headers } from "next/headers";
import { chooseLanguage } from "@/lib/i18n/choice";
import { LANGUAGE_COOKIE, type Language } from "@/lib/i18n/language";
import { translator, type Translator } from "@/lib/i18n/translate";
import { CATALOGUES, type Catalogue, type MessageKey } from "./catalogues";

/** All that the page may be shown in. */
export const LANGUAGES: readonly Language[] = [...CATALOGUES.values()].map(
  ({ language }) => language,
);

/** Give the catalogue that a request is answered from. */
export async function requestCatalogue(): Promise<Catalogue> {
  const cookie = (await cookies()).get(LANGUAGE_COOKIE)?.value;
  const accepted = (await headers()).get("accept-language");
  return CATALOGUES.get(chooseLanguage([...CATALOGUES.keys()], cookie, accepted))!;
}

export async function serverTranslator(): Promise<Translator<MessageKey>> {
  const { language, messages } = await requestCatalogue();
  return translator(language, messages);
}
