"use client";
/** The language around the whole page, and the switch between those that there are. */
import { useRouter } from "next/navigation";
import { useEffect, useTransition, type ComponentProps } from "react";
import { LanguageProvider, useLanguage, useLanguages } from "@/components/LanguageProvider";
import { markAlive } from "@/lib/floor";
import { labelOf, LANGUAGE_COOKIE } from "@/lib/i18n/language";

export function PageLanguage(props: ComponentProps<typeof LanguageProvider>) {
  // It stands around every page: when its effects run, the page answers.
  useEffect(markAlive, []);
  return <LanguageProvider {...props} />;
}

const A_YEAR_S = 365 * 24 * 3600;
/** So many buttons have room in the header of a phone. */
const MAX_BUTTONS = 2;

function rememberLanguage(code: string) {
  document.cookie = `${LANGUAGE_COOKIE}=${code}; path=/; max-age=${A_YEAR_S}; samesite=lax`;
}

export function LanguageSwitch() {
  const { language, t } = useLanguage();
  const languages = useLanguages();
  const router = useRouter();
  const [pending, startTransition] = useTransition();

  function choose(code: string) {
    rememberLanguage(code);
    // The server draws the page in the language, with `lang` and `dir` on the document.
    startTransition(() => router.refresh());
  }

  if (languages.length > MAX_BUTTONS) {
    return (
      <select
        aria-label={t("language.label")}
        aria-busy={pending}
        value={language.code}
        onChange={(event) => choose(event.target.value)}
        className="h-9 max-w-24 rounded-lg border border-line bg-surface px-2 text-sm font-medium"
      >
        {languages.map(({ code, name }) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    );
  }
  return (
    <div
      role="group"
      aria-label={t("language.label")}
      className="flex rounded-lg border border-line bg-surface p-0.5"
      aria-busy={pending}
    >
      {languages.map((one) => (
        <button
          key={one.code}
          type="button"
          lang={one.code}
          aria-pressed={one.code === language.code}
          aria-label={labelOf(one)}
          onClick={() => choose(one.code)}
          className={`h-8 rounded-md px-2.5 leading-none font-semibold transition-colors ${
            one.typeface === "plain" ? "text-[0.78rem]" : "pb-0.5 text-[0.95rem]"
          } ${one.code === language.code ? "bg-sunken text-ink" : "text-muted hover:text-ink"}`}
        >
          {one.short}
        </button>
      ))}
    </div>
  );
}
