"use client";
/** The page when it cannot tell who asks: the sign-in's database or a setting is missing. */
import { useRouter } from "next/navigation";
import { useTransition } from "react";
import { AlertIcon, Mark, RetryIcon } from "@/components/icons";
import { useLanguage } from "@/components/LanguageProvider";
import { LanguageSwitch } from "./PageLanguage";

export function SignInBroken({
  reason,
  detail = "",
}: {
  reason: "database" | "setup";
  detail?: string | undefined;
}) {
  const { t } = useLanguage();
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  return (
    <StandAlone>
      <span className="grid size-12 place-items-center rounded-2xl bg-bad-soft text-bad">
        <AlertIcon size={24} />
      </span>
      <h1 className="mt-5 text-xl font-semibold tracking-tight">{t(`problem.${reason}.title`)}</h1>
      <p className="mt-2 text-muted">{t(`problem.${reason}.body`, { detail })}</p>
      <button
        type="button"
        className="btn btn-primary mt-6"
        disabled={pending}
        onClick={() => startTransition(() => router.refresh())}
      >
        <RetryIcon size={16} />
        {t("retry")}
      </button>
    </StandAlone>
  );
}

/** A page of a few centred words. */
export function StandAlone({ children }: { children: React.ReactNode }) {
  const { t } = useLanguage();
  return (
    <div className="flex min-h-dvh flex-col p-5 sm:p-8">
      <header className="flex items-center justify-between">
        <p className="flex items-center gap-2.5 font-semibold">
          <Mark />
          <span lang="en">{t("app.name")}</span>
        </p>
        <LanguageSwitch />
      </header>
      <main className="mx-auto flex max-w-md flex-1 flex-col items-center justify-center pb-24 text-center">
        {children}
      </main>
    </div>
  );
}
