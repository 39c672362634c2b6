"use client";
/** A problem, in words a person can act on, with a way to try again. */
import { CONFIG } from "@/lib/config";
import type { MessageKey } from "@/lib/i18n/texts/en";
import type { Translator } from "@/lib/i18n/translate";
import type { Problem, ProblemKind } from "@/lib/problems";
import { AlertIcon, CloseIcon, RetryIcon } from "./icons";
import { useLanguage } from "./LanguageProvider";

/** Kinds that only the setup help knows: the API's health tells them, not a failed request. */
export type HelpKind = ProblemKind | "api_key" | "domain_key";

export interface Help {
  kind: HelpKind;
  problem?: Problem;
}

export function words({ kind, problem }: Help, { t, seconds }: Translator) {
  const values = {
    host: kind === "domain_key" ? location.host : new URL(CONFIG.API_BASE_URL).host,
  };
  const title = t(`problem.${kind}.title` as MessageKey, values);
  if (kind === "rate_limited" && problem?.retryAfterMs) {
    const wait = seconds(problem.retryAfterMs / 1000);
    return { title, body: t("problem.rate_limited.wait", { wait }) };
  }
  return { title, body: t(`problem.${kind}.body` as MessageKey, values) };
}

export function ProblemNote({
  help,
  onRetry,
  onDismiss,
  brief = false,
  className = "",
}: {
  help: Help;
  onRetry?: () => void;
  onDismiss?: () => void;
  /** Only the title, where the rest is said nearby. */
  brief?: boolean;
  className?: string;
}) {
  const language = useLanguage();
  const { t } = language;
  const { title, body } = words(help, language);
  return (
    <div
      role="alert"
      data-problem={help.kind}
      className={`animate-appear rounded-xl border border-[#f1d3cf] bg-bad-soft p-3.5 text-start ${className}`}
    >
      <div className="flex gap-2.5">
        <AlertIcon className="mt-0.5 shrink-0 text-bad" />
        <div className="min-w-0 flex-1">
          <p className="text-sm font-semibold text-bad">{title}</p>
          {!brief && <p className="mt-0.5 text-sm text-[#5d2a26]">{body}</p>}
          {!brief && help.problem?.requestId && (
            <p className="mt-1 text-xs text-[#7a4a46]" dir="auto">
              {t("problem.reference", { id: help.problem.requestId })}
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
