/** Where to go after signing in: a path of this page, never an address elsewhere, or home. */
export function safePath(path: string | undefined, home: string): string {
  return path && /^\/(?![/\\])[\w/?=&.-]*$/.test(path) ? path : home;
}
