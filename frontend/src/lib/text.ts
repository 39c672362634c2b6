/** What a person has written, before it becomes a name. */

/** Characters that show nothing: white space, controls, and what Unicode lets a font ignore. */
const UNSEEN = String.raw`\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800`;
const SEEN = new RegExp(`[^${UNSEEN}]`, "u");
const AT_THE_START = new RegExp(`^[${UNSEEN}]+`, "u");

/** A text without the space around it; empty when there is nothing in it to see. */
export function written(text: string | null | undefined): string {
  return text && SEEN.test(text) ? text.trim() : "";
}

/** How a person is greeted: the first word of their name. */
export function firstName(name: string): string {
  return name.trim().split(/\s+/)[0] ?? "";
}

/** The first letter of a name, with the marks that belong to it; empty when there is none. */
export function initial(name: string): string {
  const letters = name.replace(AT_THE_START, "");
  for (const { segment } of new Intl.Segmenter().segment(letters)) return segment;
  return "";
}
