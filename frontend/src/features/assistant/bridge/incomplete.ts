/**
 * Answers that are not whole: the last message of one carries an annotation that says why. It is
 * what the API stores, so it is there after a reload, and in each client.
 */
import type { Annotation, AssistantMessageItem } from "./protocol";

export const REASONS = ["stopped", "interrupted", "deadline", "length", "error"] as const;

export type Reason = (typeof REASONS)[number];

/** The id of the mark, and the name of the reason in its data. */
const MARK = "incomplete";

export function isMark({ source }: Annotation): boolean {
  return source.type === "entity" && source.id === MARK;
}

/** Why an answer is not whole, or null when it is. A newer API may know more reasons. */
export function reasonOf(item: AssistantMessageItem): Reason | null {
  const mark = item.content.flatMap(({ annotations }) => annotations ?? []).find(isMark);
  if (!mark) return null;
  return REASONS.find((reason) => reason === mark.source.data?.[MARK]) ?? "interrupted";
}
