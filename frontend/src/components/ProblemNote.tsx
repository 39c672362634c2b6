"use client";
/** A problem, in words a person can act on, with a way to try again. */
import type { PageKey } from "@/lib/i18n/messages";
import type { Translator } from "@/lib/i18n/translate";
import type { Problem, ProblemKind } from "@/lib/problems";
import { AlertIcon, CloseIcon, RetryIcon } from "./icons";
import { useLanguage } from "./LanguageProvider";

export interface Words {
  title: string;
  body: string;
}

/** Give the words for a kind of problem with the server at an address, and for one that happened. */
export function problemWords(
  { t, seconds }: Translator<PageKey>,
  kind: ProblemKind,
  { url, problem }: { url: string; problem?: Problem },
): Words {
  const { host } = new URL(url);
  const title = t(`problem.${kind}.title`);
  if (kind === "rate_limited" && problem?.retryAfterMs) {
    const wait = seconds(problem.retryAfterMs / 1000);
    return { title, body: t("problem.rate_limited.wait", { wait }) };
  }
  // What does not fit, and why, only the API knows, which says it in the reader's language.
  if ((kind === "answer" || kind === "invalid") && problem?.said) {
    return { title, body: problem.said };
  }
  return { title, body: t(`problem.${kind}.body`, { host }) };
}

interface Ways {
  onRetry?: () => void;
  onDismiss?: () => void;
  /** Only the title, where the rest is said nearby. */
  brief?: boolean;
  className?: string;
}

/** A problem with the server at an address. */
export function ProblemNote({ problem, url, ...ways }: Ways & { problem: Problem; url: string }) {
  const { kind, requestId } = problem;
  const words = problemWords(useLanguage(), kind, { url, problem });
  return <Note kind={kind} words={words} requestId={requestId} {...ways} />;
}

interface NoteProps extends Ways {
  kind: string;
  words: Words;
  /** What the server's logs call the request. */
  requestId?: string;
}

export function Note(props: NoteProps) {
  const { kind, words, requestId, onRetry, onDismiss, brief = false, className = "" } = props;
  const { title, body } = words;
  const { t } = useLanguage();
  return (
    <div
      role="alert"
      data-problem={kind}
      className={`animate-appear rounded-xl border border-[#f1d3cf] bg-bad-soft p-3.5 text-start ${className}`}
    >
      <div className="flex gap-2.5">
        <AlertIcon className="mt-0.5 shrink-0 text-bad" />
        <div className="min-w-0 flex-1">
          <p className="text-sm font-semibold text-bad">{title}</p>
          {!brief && <p className="mt-0.5 text-sm text-[#5d2a26]">{body}</p>}
          {!brief && requestId && (
            <p className="mt-1 text-xs text-[#7a4a46]" dir="auto">
              {t("problem.reference", { id: requestId })}
            </p>
          )}
          {onRetry && (
            <button type="button" onClick={onRetry} className="btn btn-quiet mt-2.5">
              <RetryIcon size={15} />
              {t("retry")}
            </button>
          )}
        </div>
        {onDismiss && (
          <button
            type="button"
            className="icon-btn -m-1.5"
            onClick={onDismiss}
            aria-label={t("dismiss")}
          >
            <CloseIcon size={16} />
          </button>
        )}
      </div>
    </div>
  );
}
