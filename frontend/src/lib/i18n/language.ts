/** The languages of the page: their labels, directions, numerals and dates. */

export const LANGUAGES = {
  en: { label: "EN, English", short: "EN", direction: "ltr", locale: "en" },
  // Extended Arabic-Indic digits, which Urdu readers expect and Intl does not choose by itself.
  ur: { label: "اردو", short: "اردو", direction: "rtl", locale: "ur-PK-u-nu-arabext" },
} as const;

export type Language = keyof typeof LANGUAGES;

export const LANGUAGE_COOKIE = "language";

export function isLanguage(value: unknown): value is Language {
  return typeof value === "string" && Object.hasOwn(LANGUAGES, value);
}

/** Choose by cookie, then by `Accept-Language` (the order of its tags is good enough here). */
export function chooseLanguage(
  cookie: string | undefined,
  acceptLanguage: string | null,
): Language {
  if (isLanguage(cookie)) return cookie;
  for (const part of (acceptLanguage ?? "").split(",")) {
    const tag = part.split(";")[0]?.trim().toLowerCase().split("-")[0];
    if (isLanguage(tag)) return tag;
  }
  return "en";
}

/** Whether a text is (also) in the Arabic script, which Nastaliq sets and which needs tall lines. */
export function isUrduScript(text: string): boolean {
  return /\p{Script=Arabic}/u.test(text);
}
