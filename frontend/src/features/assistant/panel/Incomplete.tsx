"use client";
/** Where an answer ended early, and the ways to go on from there. */
import { RetryIcon } from "@/components/icons";
import type { Reason } from "../bridge/incomplete";
import { useTexts } from "../useTexts";

interface Props {
  reason: Reason;
  onContinue: (() => void) | undefined;
  onRetry: (() => void) | undefined;
}

export function Incomplete({ reason, onContinue, onRetry }: Props) {
  const { t } = useTexts();
  return (
    <div className="mt-2" data-incomplete={reason}>
      <p className="flex items-center gap-2.5 text-xs text-muted">
        {t(`chat.incomplete.${reason}`)}
        <span aria-hidden className="h-px flex-1 bg-line" />
      </p>
      {(onContinue ?? onRetry) && (
        <div className="mt-2 flex flex-wrap gap-2">
          {onContinue && (
            <button type="button" className="btn btn-quiet" onClick={onContinue}>
              {t("chat.continue")}
            </button>
          )}
          {onRetry && (
            <button type="button" className="btn btn-quiet" onClick={onRetry}>
              <RetryIcon size={15} />
              {t("chat.retry")}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
