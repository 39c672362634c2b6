/**
 * Where a link goes, for people to see: a model may have read its address in a text that wants it
 * clicked, and may have been told to call it something else.
 */

/** Stands in for our own page, whose links need no host. */
const HERE = "https://page.invalid/";

function bare(address: string): string {
  return address
    .trim()
    .replace(/^(https?:\/\/|mailto:)/i, "")
    .replace(/\/$/, "");
}

/**
 * The host or the mail address that a link goes to; null where its words say so themselves, and
 * for a link within our own page. Names beyond ASCII are given in Punycode, which cannot be
 * mistaken for others.
 */
export function hostBeyondWords(href: string | undefined, words: string): string | null {
  if (!href || !URL.canParse(href, HERE)) return null;
  const url = new URL(href, HERE);
  if (url.origin === new URL(HERE).origin) return null;
  const goesTo = url.host || url.pathname;
  const isPlain = /^[\x21-\x7e]*$/.test(words.trim()) && !url.username && !url.password;
  const says = bare(words);
  return isPlain && (says === bare(href) || says === goesTo) ? null : goesTo;
}
