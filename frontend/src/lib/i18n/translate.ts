/** Texts with their values filled in, and numbers and times as the language writes them. */
import type { Language } from "./language";
import type { Messages, PluralKey } from "./messages";

export type Values = Readonly<Record<string, string | number>>;

export interface Translator<Key extends string> {
  language: Language;
  t: (key: Key, values?: Values) => string;
  /** A text about a number of things, in the form that the language has for that number. */
  plural: (key: PluralKey<Key>, count: number) => string;
  number: (value: number) => string;
  /** A day near enough to have a name ("tomorrow"), else its date. */
  day: (date: Date, now?: Date) => string;
  /** "12 seconds". */
  seconds: (value: number) => string;
  /** "tomorrow, 6:00 PM". */
  dayAndTime: (date: Date, now?: Date) => string;
  /** A day by its weekday and date. */
  wholeDay: (date: Date) => string;
  dateTime: (date: Date) => string;
  /** "English and Urdu": the names of languages, the reader's own first. */
  languages: (codes: readonly string[]) => string;
}

/** Give the translator of a language, for the keys that its messages have. */
export function translator<Key extends string>(
  language: Language,
  messages: Messages,
): Translator<Key> {
  const { locale } = language;
  const numbers = new Intl.NumberFormat(locale);
  const plurals = new Intl.PluralRules(locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const thisYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const otherYear = new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  const pair = new Intl.ListFormat(locale, { type: "unit" });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
  const precise = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const seconds = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "second",
    unitDisplay: "long",
  });

  function t(key: string, values: Values = {}): string {
    return (messages[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? numbers.format(value) : value;
    });
  }

  function day(date: Date, now = new Date()): string {
    const midnight = (moment: Date) =>
      Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
    const days = Math.round((midnight(date) - midnight(now)) / 86_400_000);
    if (Math.abs(days) <= 1) return relative.format(days, "day");
    return (date.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(date);
  }

  return {
    language,
    t,
    plural(key, count) {
      const form = `${key}_${plurals.select(count)}`;
      return t(form in messages ? form : `${key}_other`, { count });
    },
    number: (value) => numbers.format(value),
    day,
    seconds: (value) => seconds.format(Math.max(1, Math.round(value))),
    dayAndTime: (date, now) => pair.format([day(date, now), clock.format(date)]),
    wholeDay: (date) => whole.format(date),
    dateTime: (date) => precise.format(date),
    languages(codes) {
      const names = new Intl.DisplayNames(locale, { type: "language" });
      const ownFirst = [language.code, ...codes.filter((code) => code !== language.code)];
      return new Intl.ListFormat(locale).format(ownFirst.map((code) => names.of(code) ?? code));
    },
  };
}
