/** A language of the page. */
import type { Typeface } from "./script";

export interface Language {
  /** Its tag (BCP 47), which is the name of its catalogues: "ur". */
  code: string;
  /** What it calls itself. */
  name: string;
  /** The same, where there is little room. */
  short: string;
  /** For `Intl`: the tag with a region and the digits that its readers expect. */
  locale: string;
  direction: "ltr" | "rtl";
  typeface: Typeface;
  /** The numbering system (CLDR): "latn", "arabext". */
  digits: string;
}

export const DEFAULT_LANGUAGE = "en";

export const LANGUAGE_COOKIE = "language";

/** The name of a button for a language, with what is seen on it, so that a voice can say it. */
export function labelOf({ name, short }: Language): string {
  return name === short ? name : `${short}, ${name}`;
}
