"use client";
/** The page's language, and those there are, for client components. */
import { createContext, use, useMemo, type ReactNode } from "react";
import type { Language } from "@/lib/i18n/language";
import type { Messages, PageKey } from "@/lib/i18n/messages";
import { translator, type Translator } from "@/lib/i18n/translate";

interface Value {
  translator: Translator<string>;
  languages: readonly Language[];
}

const Context = createContext<Value | null>(null);

interface Props {
  language: Language;
  /** All that the page may be switched to, its own among them. */
  languages: readonly Language[];
  messages: Messages;
  children?: ReactNode;
}

export function LanguageProvider({ language, languages, messages, children }: Props) {
  const value = useMemo(
    () => ({ translator: translator<string>(language, messages), languages }),
    [language, languages, messages],
  );
  return <Context value={value}>{children}</Context>;
}

function useValue(): Value {
  const value = use(Context);
  if (!value) throw new Error("useLanguage needs a LanguageProvider");
  return value;
}

/** Give the page's translator, for the page's own keys or, to a feature, for those of its own. */
export function useLanguage<Key extends string = PageKey>(): Translator<Key> {
  // The messages of the page have the keys of every feature.
  return useValue().translator as unknown as Translator<Key>;
}

export function useLanguages(): readonly Language[] {
  return useValue().languages;
}

/** The page's language now, for what is made once and outlives a switch. */
export function pageLanguage(): string {
  return document.documentElement.lang;
}
