/** Lists that come in pages, and that change while they are read. */
import { problemOf } from "./problems";

export interface Page<T> {
  data: T[];
  has_more: boolean;
  after?: string | null;
}

interface Row {
  id: string;
}

/** The rows of both, each once: where it stood first, as it was read last. */
export function joined<T extends Row>(known: readonly T[], more: readonly T[]): T[] {
  const rows = new Map(known.map((row) => [row.id, row]));
  for (const row of more) rows.set(row.id, row);
  return [...rows.values()];
}

/**
 * What follows a cursor, up to the first page with a row that is not among the `known`.
 *
 * A cursor that the server does not take (what it stood for is gone, or a release writes them in
 * another way) does not end the list: it is read again from its beginning. Throws as `read` does.
 */
export async function nextPage<T extends Row>(
  read: (after?: string) => Promise<Page<T>>,
  after: string,
  known: readonly Row[],
): Promise<Page<T>> {
  const ids = new Set(known.map(({ id }) => id));
  let page = await read(after).catch((error: unknown) => {
    const { kind } = problemOf(error);
    if (kind === "not_found" || kind === "invalid") return read();
    throw error;
  });
  let rows = page.data;
  let cursor: string | null | undefined = after;
  while (rows.every(({ id }) => ids.has(id)) && page.has_more && page.after !== cursor) {
    cursor = page.after;
    if (!cursor) break;
    page = await read(cursor);
    rows = joined(rows, page.data);
  }
  return { ...page, data: rows };
}
