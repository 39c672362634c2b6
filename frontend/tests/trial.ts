/** Languages that the page does not have: what their translators would write, or a part of it. */
import { translator } from "@/lib/i18n/translate";
import { cataloguesOf, FOLDERS, type Folder, type MessageKey } from "@/shell/catalogues";

/** Each with plural forms, digits, a direction or a typeface that English and Urdu lack. */
export const TRIAL = {
  ar: {
    "language.name": "العربية",
    "language.locale": "ar-EG",
    "tasks.title": "المهام",
    "tasks.summary.open_zero": "لا مهام",
    "tasks.summary.open_one": "مهمة واحدة",
    "tasks.summary.open_two": "مهمتان",
    "tasks.summary.open_few": "{count} مهام",
    "tasks.summary.open_many": "{count} مهمة",
    "tasks.summary.open_other": "{count} مهمة من",
  },
  pl: {
    "language.name": "polski",
    "language.locale": "pl",
    "tasks.title": "Zadania",
    "tasks.summary.open_one": "{count} zadanie",
    "tasks.summary.open_few": "{count} zadania",
    "tasks.summary.open_many": "{count} zadań",
    "tasks.summary.open_other": "{count} zadania",
  },
  he: { "language.name": "עברית", "language.locale": "he", "tasks.title": "משימות" },
  ja: {
    "language.name": "日本語",
    "language.locale": "ja",
    "tasks.title": "タスク",
    "tasks.summary.open_other": "残り{count}件",
  },
} as const;

export type Trial = keyof typeof TRIAL;

const files: Folder = Object.fromEntries(
  Object.entries(TRIAL).map(([code, texts]) => [`trial/${code}.ts`, { default: texts }]),
);

/** The page's catalogues, with a file more for each language of the trial. */
export const WITH_TRIAL = cataloguesOf([...Object.values(FOLDERS), files]);

export function texts(code: string) {
  const { language, messages } = WITH_TRIAL.get(code)!;
  return translator<MessageKey>(language, messages);
}
