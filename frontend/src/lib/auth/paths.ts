/** Where to go after signing in: a path of this page, never an address elsewhere. */
export function safePath(path: string | undefined): string {
  return path && /^\/(?![/\\])[\w/?=&.-]*$/.test(path) ? path : "/tasks";
}
