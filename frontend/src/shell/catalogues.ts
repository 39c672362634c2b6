/**
 * The catalogues of the page and of its features, put together: a language is a file of its code in
 * each folder of texts, and nothing else names it.
 */
import type { AssistantKey } from "@/features/assistant/useTexts";
import type { TasksKey } from "@/features/tasks/useTexts";
import { DEFAULT_LANGUAGE, type Language } from "@/lib/i18n/language";
import { languageOf } from "@/lib/i18n/locale";
import { PLURAL_FORMS, type Messages, type PageKey } from "@/lib/i18n/messages";

/** Every key there is. */
export type MessageKey = PageKey | AssistantKey | TasksKey;

/** The catalogues of one folder: a module for each language, by its path. */
export type Folder = Readonly<Record<string, { default: Messages }>>;

export const FOLDERS: Readonly<Record<string, Folder>> = {
  page: import.meta.glob<{ default: Messages }>("../lib/i18n/texts/*.ts", { eager: true }),
  tasks: import.meta.glob<{ default: Messages }>("../features/tasks/texts/*.ts", { eager: true }),
  assistant: import.meta.glob<{ default: Messages }>("../features/assistant/texts/*.ts", {
    eager: true,
  }),
};

export interface Catalogue {
  language: Language;
  messages: Messages;
}

/** Give the texts of a folder by the codes of their languages. */
export function textsOf(folder: Folder): ReadonlyMap<string, Messages> {
  return new Map(
    Object.entries(folder).map(([path, module]) => [
      path.replace(/^.*\/|\.\w+$/g, ""),
      module.default,
    ]),
  );
}

const FORM = new RegExp(`_(${PLURAL_FORMS.join("|")})$`);

/** Join the folders to a catalogue for each language, English first. What one lacks is English. */
export function cataloguesOf(folders: readonly Folder[]): ReadonlyMap<string, Catalogue> {
  const parts = folders.map(textsOf);
  const codes = new Set([
    DEFAULT_LANGUAGE,
    ...parts.flatMap((part) => [...part.keys()]).toSorted(),
  ]);
  const texts = (code: string): Messages =>
    Object.assign({}, ...parts.map((part) => part.get(code)));
  return new Map(
    [...codes].map((code) => {
      const own = texts(code);
      const english = Object.entries(texts(DEFAULT_LANGUAGE)).filter(
        // What a language counts itself has none of English's forms.
        ([key]) => !(key.replace(FORM, "_other") in own),
      );
      const messages = { ...Object.fromEntries(english), ...own };
      return [code, { language: languageOf(code, own), messages }];
    }),
  );
}

export const CATALOGUES = cataloguesOf(Object.values(FOLDERS));
