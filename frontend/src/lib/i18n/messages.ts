/** What a catalogue holds: texts by key, with `{name}` for values, and the forms of counted ones. */
import type en from "./texts/en";

/** The categories of CLDR's plural rules. Each language has its own of them, all have `other`. */
export const PLURAL_FORMS = ["zero", "one", "two", "few", "many", "other"] as const;

type Form = (typeof PLURAL_FORMS)[number];

/** What is counted: `x` for the keys `x_one`, `x_other` and so on. */
export type PluralKey<Key extends string> = Key extends `${infer Stem}_other` ? Stem : never;

/** A catalogue with the keys of the English one, and the plural forms of its own language. */
export type TextsOf<English> = Readonly<
  Record<Exclude<keyof English, `${PluralKey<keyof English & string>}_${Form}`>, string> &
    Partial<Record<`${PluralKey<keyof English & string>}_${Form}`, string>>
>;

export type Messages = Readonly<Record<string, string>>;

/** The keys of the page's own texts, which all of its parts may use. */
export type PageKey = keyof typeof en;
