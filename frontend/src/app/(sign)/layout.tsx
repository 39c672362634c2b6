import type { ReactNode } from "react";
import { CheckIcon, Mark } from "@/components/icons";
import { LANGUAGES, serverTranslator } from "@/shell/language";
import { LanguageSwitch } from "@/shell/PageLanguage";

export default async function SignLayout({ children }: { children: ReactNode }) {
  const { t, languages } = await serverTranslator();
  const spoken = languages(LANGUAGES.map(({ code }) => code));
  const promises = [
    t("sign.promise.one"),
    t("sign.promise.two"),
    t("sign.promise.three", { languages: spoken }),
  ];
  return (
    <div className="grid min-h-dvh lg:grid-cols-[1fr_minmax(26rem,36rem)]">
      <aside className="relative hidden overflow-hidden bg-[#fff1ec] p-14 lg:flex lg:flex-col lg:justify-between">
        <div
          aria-hidden="true"
          className="absolute -end-32 -top-32 size-[30rem] rounded-full bg-[#ffd2c4] opacity-60 blur-3xl"
        />
        <p className="relative flex items-center gap-3 text-lg font-semibold">
          <Mark size={34} />
          <span lang="en">{t("app.name")}</span>
        </p>
        <div className="relative max-w-lg">
          <p className="text-3xl font-semibold tracking-tight text-balance xl:text-[2.6rem] xl:leading-[1.2] nastaliq:xl:leading-[2]">
            {t("app.tagline")}
          </p>
          <ul className="mt-8 space-y-3.5">
            {promises.map((promise) => (
              <li key={promise} className="flex gap-3 text-[#573a30]">
                <span className="mt-1 grid size-5 shrink-0 place-items-center rounded-full bg-brand text-brand-ink nastaliq:mt-2.5">
                  <CheckIcon size={13} strokeWidth={2.6} />
                </span>
                {promise}
              </li>
            ))}
          </ul>
        </div>
        <span />
      </aside>
      <div className="flex flex-col p-5 sm:p-8">
        <header className="flex items-center justify-between">
          <p className="flex items-center gap-2.5 font-semibold lg:invisible">
            <Mark />
            <span lang="en">{t("app.name")}</span>
          </p>
          <LanguageSwitch />
        </header>
        <main className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center py-10">
          {children}
        </main>
      </div>
    </div>
  );
}
