"use client";
/** Around every page of a signed-in person: the header, the page, the assistant beside it. */
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { CheckIcon, Mark, SignOutIcon, SparkIcon } from "@/components/icons";
import { ChatAssistant } from "@/features/assistant/ChatAssistant";
import { useChat } from "@/features/assistant/ChatProvider";
import { TASKS_PATH } from "@/features/tasks/host";
import { initial } from "@/lib/text";
import { ASSISTANT_PATH } from "./Assistant";
import { LanguageSwitch } from "./PageLanguage";
import { useSession } from "./SessionProvider";
import { useTexts } from "./useTexts";

/** Below this width the assistant covers the page. */
const COVERS = "(width < 48rem)";

export function AppShell({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  const { isOpen } = useChat();
  const pathname = usePathname();
  const isChatPage = pathname === ASSISTANT_PATH;
  const covers = useMedia(COVERS);
  const beside = isOpen && !isChatPage;

  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="btn btn-primary fixed start-3 top-3 z-50 -translate-y-20 focus:translate-y-0"
      >
        {t("app.skip")}
      </a>
      <div
        inert={beside && covers}
        className={`flex flex-col transition-[padding] duration-200 ease-out-soft ${
          isChatPage ? "h-dvh" : "min-h-dvh"
        } ${beside ? "lg:pe-[25rem]" : ""}`}
      >
        <Header />
        <main id="content" tabIndex={-1} className="flex min-h-0 flex-1 flex-col outline-none">
          {children}
        </main>
      </div>
      {!isChatPage && <ChatAssistant modal={covers} />}
    </div>
  );
}

function Header() {
  const { t } = useTexts();
  const { isOpen, setOpen } = useChat();
  const pathname = usePathname();
  const links = [
    { href: TASKS_PATH, label: t("tasks.title"), Icon: CheckIcon },
    { href: ASSISTANT_PATH, label: t("assistant.nav"), Icon: SparkIcon },
  ];
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-paper/85 backdrop-blur-md">
      <div className="mx-auto flex h-16 max-w-5xl short:h-11 items-center gap-1.5 px-4 sm:gap-3 sm:px-6">
        <Link href={TASKS_PATH} className="me-1 flex items-center gap-2.5 font-semibold sm:me-3">
          <Mark />
          <span lang="en" className="max-sm:sr-only">
            {t("app.name")}
          </span>
        </Link>
        <nav aria-label={t("nav.label")} className="flex gap-0.5 sm:gap-1">
          {links.map(({ href, label, Icon }) => {
            const here = pathname === href;
            return (
              <Link
                key={href}
                href={href}
                aria-current={here ? "page" : undefined}
                className={`flex h-9 items-center gap-1.5 rounded-lg px-2.5 text-sm font-medium transition-colors sm:px-3 ${
                  here ? "bg-sunken text-ink" : "text-muted hover:text-ink"
                }`}
              >
                <Icon size={16} className="max-sm:hidden" />
                {label}
              </Link>
            );
          })}
        </nav>
        <div className="ms-auto flex items-center gap-1.5 sm:gap-2.5">
          <LanguageSwitch />
          <AccountMenu />
          {pathname !== ASSISTANT_PATH && (
            <button
              type="button"
              id="assistant-toggle"
              className="btn btn-primary px-2.5 sm:px-4"
              aria-expanded={isOpen}
              aria-controls="assistant"
              aria-label={t(isOpen ? "assistant.close" : "assistant.open")}
              onClick={() => setOpen(!isOpen)}
            >
              <SparkIcon size={18} />
              <span className="max-md:hidden">{t("assistant.nav")}</span>
            </button>
          )}
        </div>
      </div>
    </header>
  );
}

function AccountMenu() {
  const { t } = useTexts();
  const { user, signOut } = useSession();
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open]);

  return (
    <div ref={root} className="relative">
      <button
        ref={button}
        type="button"
        className="grid size-9 place-items-center rounded-full bg-brand-soft text-sm leading-none font-semibold text-brand-strong uppercase"
        aria-label={t("nav.account", { name: user.name })}
        aria-expanded={open}
        aria-controls="account-menu"
        onClick={() => setOpen(!open)}
      >
        {initial(user.name) || "?"}
      </button>
      {open && (
        <div
          id="account-menu"
          className="card animate-appear absolute end-0 top-11 z-30 w-64 p-2 shadow-lg"
        >
          <div className="px-3 py-2">
            <p className="truncate text-sm font-semibold" dir="auto">
              {user.name}
            </p>
            <p className="truncate text-sm text-muted rtl:text-right" dir="ltr">
              {user.email}
            </p>
          </div>
          <button
            type="button"
            className="flex w-full items-center gap-2.5 rounded-lg px-3 py-2 text-sm font-medium hover:bg-sunken"
            onClick={() => void signOut()}
          >
            <SignOutIcon size={17} className="rtl:-scale-x-100" />
            {t("nav.sign_out")}
          </button>
        </div>
      )}
    </div>
  );
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(false);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setMatches(list.matches);
    update();
    list.addEventListener("change", update);
    return () => list.removeEventListener("change", update);
  }, [query]);
  return matches;
}
