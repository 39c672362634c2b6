/** What Unicode's data say of a language: its script, and with it direction, typeface and digits. */
import type { Language } from "./language";
import type { Messages } from "./messages";
import type { Typeface } from "./script";

/** Languages that are written in Nastaliq, where their script is the Arabic one. */
const NASTALIQ_LANGUAGES: ReadonlySet<string> = new Set(["ur", "lah", "pa", "ks", "skr"]);

/** Scripts (ISO 15924) that run from right to left. */
const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(
  "Adlm Arab Aran Hebr Mand Mend Nkoo Rohg Samr Syrc Thaa Yezi".split(" "),
);

/** Give the language of a catalogue. Throws where `language.locale` is no language tag. */
export function languageOf(code: string, messages: Messages): Language {
  const locale = messages["language.locale"] ?? code;
  const name = messages["language.name"] ?? code;
  const { language, script = "" } = new Intl.Locale(locale).maximize();
  return {
    code,
    name,
    short: messages["language.short"] ?? name,
    locale,
    direction: RIGHT_TO_LEFT.has(script) ? "rtl" : "ltr",
    typeface: typefaceOfScript(script, language),
    digits: new Intl.NumberFormat(locale).resolvedOptions().numberingSystem,
  };
}

/** The typeface of a page in a language, by the script it is written in. */
function typefaceOfScript(script: string, language: string): Typeface {
  if (script === "Aran") return "nastaliq";
  if (script !== "Arab") return "plain";
  return NASTALIQ_LANGUAGES.has(language) ? "nastaliq" : "naskh";
}
