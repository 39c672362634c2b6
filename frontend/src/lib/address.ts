/** Secrets in an address: it is kept in histories and logs, so nothing that is one may stay there. */

const NAME = "pass|pwd|secret|token|credential|api[-_]?key";
const SECRET_NAME = new RegExp(NAME, "i");
/** In a query, or in one within a value, as in `next=/list?password=…`. */
export const SECRET_IN_QUERY = new RegExp(`[?&][^=&]*(?:${NAME})[^=&]*=`, "i");

/** Whether the query of an address has a part that is a secret by its name. */
export function holdsSecret(query: URLSearchParams): boolean {
  return [...query].some(([name, value]) => SECRET_NAME.test(name) || SECRET_IN_QUERY.test(value));
}
