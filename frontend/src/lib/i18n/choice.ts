/** The choice between the languages that there are. */
import { DEFAULT_LANGUAGE } from "./language";

/** Choose among codes by cookie, then by `Accept-Language` (RFC 9110 section 12.5.4). */
export function chooseLanguage(
  codes: readonly string[],
  cookie: string | undefined,
  acceptLanguage: string | null,
): string {
  if (cookie && codes.includes(cookie)) return cookie;
  const wishes = (acceptLanguage ?? "").split(",").flatMap((part) => {
    const [tag = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((text) => /^q=/i.test(text))?.slice(2) ?? "1";
    return Number(weight) > 0 ? [{ tag, weight: Number(weight) }] : [];
  });
  for (const { tag } of wishes.toSorted((one, other) => other.weight - one.weight)) {
    const found = nearest(codes, tag);
    if (found) return found;
  }
  return DEFAULT_LANGUAGE;
}

/** The code that is a tag, or the longest beginning of it (RFC 4647 section 3.4, "lookup"). */
function nearest(codes: readonly string[], tag: string): string | undefined {
  const subtags = tag.toLowerCase().split("-");
  for (let length = subtags.length; length > 0; length--) {
    const wanted = subtags.slice(0, length).join("-");
    const found = codes.find((code) => code.toLowerCase() === wanted);
    if (found) return found;
  }
  return undefined;
}
