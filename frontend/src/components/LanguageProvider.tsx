"use client";
/** The page's language for client components, and the switch between languages. */
import { useRouter } from "next/navigation";
import { createContext, use, useEffect, useMemo, useTransition, type ReactNode } from "react";
import { markAlive } from "@/lib/floor";
import type { Messages } from "@/lib/i18n/texts/en";
import { LANGUAGE_COOKIE, LANGUAGES, type Language } from "@/lib/i18n/language";
import { translator, type Translator } from "@/lib/i18n/translate";

const Context = createContext<Translator | null>(null);

export function LanguageProvider({
  language,
  messages,
  children,
}: {
  language: Language;
  messages: Messages;
  children: ReactNode;
}) {
  const value = useMemo(() => translator(language, messages), [language, messages]);
  // It stands around every page: when its effects run, the page answers.
  useEffect(markAlive, []);
  return <Context value={value}>{children}</Context>;
}

export function useLanguage(): Translator {
  const value = use(Context);
  if (!value) throw new Error("useLanguage needs a LanguageProvider");
  return value;
}

/** The page's language now, for what is made once and outlives a switch. */
export function pageLanguage(): string {
  return document.documentElement.lang;
}

const A_YEAR_S = 365 * 24 * 3600;

function rememberLanguage(language: Language) {
  document.cookie = `${LANGUAGE_COOKIE}=${language}; path=/; max-age=${A_YEAR_S}; samesite=lax`;
}

export function LanguageSwitch() {
  const { language, t } = useLanguage();
  const router = useRouter();
  const [pending, startTransition] = useTransition();

  function choose(next: Language) {
    rememberLanguage(next);
    // The server draws the page in the language, with `lang` and `dir` on the document.
    startTransition(() => router.refresh());
  }

  return (
    <div
      role="group"
      aria-label={t("language.label")}
      className="flex rounded-lg border border-line bg-surface p-0.5"
      aria-busy={pending}
    >
      {(Object.keys(LANGUAGES) as Language[]).map((key) => (
        <button
          key={key}
          type="button"
          lang={key}
          aria-pressed={key === language}
          aria-label={LANGUAGES[key].label}
          onClick={() => choose(key)}
          className={`h-8 rounded-md px-2.5 leading-none font-semibold transition-colors ${
            key === "ur" ? "pb-0.5 text-[0.95rem]" : "text-[0.78rem]"
          } ${key === language ? "bg-sunken text-ink" : "text-muted hover:text-ink"}`}
        >
          {LANGUAGES[key].short}
        </button>
      ))}
    </div>
  );
}
