/**
 * Which typeface a text is set in. Its direction is no matter of this: `dir="auto"` takes that from
 * the first letter that has one, in any script.
 *
 * The Arabic script has two faces. Urdu is read in Nastaliq, whose words climb and need lines of
 * about twice their size; Arabic, Persian and the others in Naskh. A text says by its letters which
 * of them it wants, and where they do not tell, it is set as the page around it is.
 */

/** `plain` is any other script: the page's own face, and the system's where that lacks a letter. */
export type Typeface = "nastaliq" | "naskh" | "plain";

const ARABIC = /\p{Script=Arabic}/u;
/** Letters of Pashto, Sindhi, Kurdish and Uyghur alone. */
const NASKH_ALONE = letters("ټ ځ څ ډ ړ ږ ښ ګ ڼ ې ۍ ڪ ٿ ڙ ڻ ڀ ڏ ڊ ڦ ٺ ڍ ڇ ڃ ڱ ڕ ڵ ە ۇ ۈ ۋ ڭ");
/** Letters of Urdu, and of its neighbours in Nastaliq, that Arabic and Persian lack. */
const NASTALIQ_ALONE = letters("ٹ ڈ ڑ ں ھ ہ ۂ ۃ ے ۓ");
/** Letters of Arabic and Persian that Urdu writes otherwise. */
const NASKH_FORMS = letters("ه ة ى ي ك");

function letters(list: string): RegExp {
  return new RegExp(`[${list.replaceAll(" ", "")}]`);
}

/** The typeface of a text on a page. One that is (also) in the Arabic script is set as that asks. */
export function typefaceOf(text: string, page: Typeface): Typeface {
  if (!ARABIC.test(text)) return "plain";
  if (NASKH_ALONE.test(text)) return "naskh";
  if (NASTALIQ_ALONE.test(text)) return "nastaliq";
  if (NASKH_FORMS.test(text)) return "naskh";
  // The face that the page brings along, where it has no Arabic script of its own.
  return page === "plain" ? "nastaliq" : page;
}

const CLASSES: Readonly<Record<Typeface, string>> = {
  nastaliq: "script-nastaliq",
  naskh: "script-naskh",
  plain: "",
};

/** The class that sets a text in its typeface, with lines as high as that needs. */
export function scriptClass(text: string, page: Typeface): string {
  return CLASSES[typefaceOf(text, page)];
}
