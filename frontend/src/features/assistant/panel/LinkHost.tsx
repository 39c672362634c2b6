/** The host that a link goes to, behind words that say something else. */
import { hostBeyondWords } from "../bridge/link-host";

export function LinkHost({ href, words }: { href: string | undefined; words: string }) {
  const host = hostBeyondWords(href, words);
  if (host === null) return null;
  return (
    <span className="text-[0.85em] text-muted">
      {" ("}
      <bdi dir="ltr">{host}</bdi>)
    </span>
  );
}
