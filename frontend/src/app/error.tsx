"use client";
import { RetryIcon } from "@/components/icons";
import { useLanguage } from "@/components/LanguageProvider";
import { StandAlone } from "@/shell/SignInBroken";

export default function PageError({ reset }: { error: Error; reset: () => void }) {
  const { t } = useLanguage();
  return (
    <StandAlone>
      <h1 className="text-2xl font-semibold tracking-tight">{t("problem.page.title")}</h1>
      <p className="mt-2 text-muted">{t("problem.page.body")}</p>
      <button type="button" className="btn btn-primary mt-6" onClick={reset}>
        <RetryIcon size={16} />
        {t("retry")}
      </button>
    </StandAlone>
  );
}
