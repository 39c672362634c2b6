/**
 * What may be attached, by the API's own list, which it gives with its health: the page keeps none.
 *
 * A browser tells a file's type by what is installed beside it: it knows no Markdown, and on a
 * Windows with Excel it calls CSV a spreadsheet. The name's end comes first.
 */

export interface FileRules {
  max_bytes: number;
  max_count: number;
  types: string[];
  /** Types by the end of a file's name, in lower case and with its dot. */
  extensions?: Record<string, string>;
}

/** Why a file is not taken, as the end of the key of a message. */
export type FileFault = "type" | "empty" | "large";

/** Give the type to announce a file under, or why it cannot be attached. */
export function fileType(
  { name, type, size }: Pick<File, "name" | "type" | "size">,
  rules: FileRules,
): { type: string } | { fault: FileFault } {
  const found = byName(name, rules) ?? essence(type);
  if (!rules.types.includes(found)) return { fault: "type" };
  if (size === 0) return { fault: "empty" };
  if (size > rules.max_bytes) return { fault: "large" };
  return { type: found };
}

/** The names and types that a file dialogue offers. */
export function offered({ types, extensions = {} }: FileRules): string {
  return [...types, ...Object.keys(extensions)].join();
}

/** Types with the ends of the names that go with each, as ChatKit takes them. */
export function extensionsByType({ types, extensions = {} }: FileRules): Record<string, string[]> {
  const ends = Object.entries(extensions);
  return Object.fromEntries(
    types.map((type) => [type, ends.filter(([, of]) => of === type).map(([end]) => end)]),
  );
}

function byName(name: string, { extensions = {} }: FileRules): string | undefined {
  const end = /\.[^.]+$/.exec(name.trim())?.[0].toLowerCase();
  return end && Object.hasOwn(extensions, end) ? extensions[end] : undefined;
}

/** A type without its parameters (RFC 2045, 5.1). */
function essence(type: string): string {
  return type.split(";", 1)[0]!.trim().toLowerCase();
}
