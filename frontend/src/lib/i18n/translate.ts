/** Texts with their values filled in, and numbers and times as the language writes them. */
import type { MessageKey, Messages } from "@/lib/i18n/texts/en";
import { LANGUAGES, type Language } from "./language";

export type Values = Readonly<Record<string, string | number>>;

/** Keys that come in two forms, chosen by a count: `x_one` and `x_other`. */
export type PluralKey = {
  [K in MessageKey]: K extends `${infer Stem}_other` ? Stem : never;
}[MessageKey];

export interface Translator {
  language: Language;
  direction: "ltr" | "rtl";
  t: (key: MessageKey, values?: Values) => string;
  plural: (key: PluralKey, count: number) => string;
  number: (value: number) => string;
  /** A day near enough to have a name ("tomorrow"), else its date. */
  day: (date: Date, now?: Date) => string;
  /** "12 seconds". */
  seconds: (value: number) => string;
  dateTime: (date: Date) => string;
}

export function translator(language: Language, messages: Messages): Translator {
  const { locale, direction } = LANGUAGES[language];
  const numbers = new Intl.NumberFormat(locale);
  const plurals = new Intl.PluralRules(locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const thisYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const otherYear = new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  const precise = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const seconds = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "second",
    unitDisplay: "long",
  });

  function t(key: MessageKey, values: Values = {}): string {
    return messages[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? numbers.format(value) : value;
    });
  }

  return {
    language,
    direction,
    t,
    plural: (key, count) =>
      t(`${key}_${plurals.select(count) === "one" ? "one" : "other"}` as MessageKey, { count }),
    number: (value) => numbers.format(value),
    day(date, now = new Date()) {
      const midnight = (moment: Date) =>
        Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
      const days = Math.round((midnight(date) - midnight(now)) / 86_400_000);
      if (Math.abs(days) <= 1) return relative.format(days, "day");
      return (date.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(date);
    },
    seconds: (value) => seconds.format(Math.max(1, Math.round(value))),
    dateTime: (date) => precise.format(date),
  };
}
