import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { chooseLanguage } from "@/lib/i18n/choice";
import { labelOf } from "@/lib/i18n/language";
import { PLURAL_FORMS, type TextsOf } from "@/lib/i18n/messages";
import { translator } from "@/lib/i18n/translate";
import { CATALOGUES, cataloguesOf, FOLDERS, textsOf, type MessageKey } from "@/shell/catalogues";
import { texts, TRIAL, WITH_TRIAL } from "./trial";

const english = texts("en");
const urdu = texts("ur");
const NOW = new Date(2026, 10, 20, 12);
const FORM = new RegExp(`_(${PLURAL_FORMS.join("|")})$`);

const parts = Object.entries(FOLDERS).flatMap(([part, folder]) =>
  [...CATALOGUES.keys()].map((code) => {
    const texts = textsOf(folder);
    return { part, code, own: texts.get(code) ?? {}, english: texts.get("en")! };
  }),
);

/** The stems of the counted texts of an English catalogue. */
function counted(messages: object): string[] {
  return Object.keys(messages).flatMap((key) => (key.endsWith("_other") ? [key.slice(0, -6)] : []));
}

describe.each(parts)("the texts of the $part in $code", ({ code, own, english }) => {
  const isForm = (key: string) => counted(english).includes(key.replace(FORM, ""));

  it("are all there, and none is left over", () => {
    const names = (messages: object) => Object.keys(messages).filter((key) => !isForm(key));
    expect(names(own).toSorted()).toEqual(names(english).toSorted());
  });

  it("have the plural forms of the language, each", () => {
    const { locale } = CATALOGUES.get(code)!.language;
    const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    const wanted = counted(english).flatMap((stem) => forms.map((form) => `${stem}_${form}`));
    expect(Object.keys(own).filter(isForm).toSorted()).toEqual(wanted.toSorted());
  });

  it("take the same values", () => {
    const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted();
    for (const [key, text] of Object.entries(own)) {
      const source = english[key] ?? english[key.replace(FORM, "_other")] ?? "";
      // "One task" may go without its number.
      if (!isForm(key)) expect(values(text), key).toEqual(values(source));
      else expect(values(source), key).toEqual(expect.arrayContaining(values(text)));
    }
  });

  it("are in the script of the language", () => {
    const { script } = new Intl.Locale(CATALOGUES.get(code)!.language.locale).maximize();
    const letters = new RegExp(`\\p{Script=${script}}`, "u");
    for (const [key, text] of Object.entries(own)) {
      if (["app.name", "language.locale"].includes(key)) continue;
      expect(text.replace(/\{\w+\}/g, ""), key).toMatch(letters);
    }
  });
});

describe("texts", () => {
  it("that are missing in a language do not pass the type check", () => {
    type English = { a: string; x_one: string; x_other: string };
    const whole: TextsOf<English> = { a: "A", x_few: "F", x_other: "O" };
    // @ts-expect-error -- it lacks a text
    const lacking: TextsOf<English> = { x_other: "O" };
    // @ts-expect-error -- it has a text too many
    const more: TextsOf<English> = { a: "A", x_other: "O", b: "B" };
    expect([whole, lacking, more]).toHaveLength(3);
  });

  it("are filled in once, and not again from within a value", () => {
    expect(english.t("tasks.announce.added", { title: "{title} {name}" })).toBe(
      "Added “{title} {name}”.",
    );
  });
});

describe("counted texts", () => {
  it.each([
    ["en", { 0: "0 tasks to do", 1: "1 task to do", 1200: "1,200 tasks to do" }],
    ["ur", { 12: "۱۲ کام باقی ہیں" }],
    ["pl", { 1: "1 zadanie", 3: "3 zadania", 5: "5 zadań", 22: "22 zadania", 25: "25 zadań" }],
    [
      "ar",
      {
        0: "لا مهام",
        1: "مهمة واحدة",
        2: "مهمتان",
        3: "٣ مهام",
        11: "١١ مهمة",
        100: "١٠٠ مهمة من",
      },
    ],
    ["ja", { 1: "残り1件", 9: "残り9件" }],
  ])("have the forms of %s", (code, wanted) => {
    for (const [count, words] of Object.entries(wanted)) {
      expect(texts(code).plural("tasks.summary.open", Number(count))).toBe(words);
    }
  });

  it("have the form for the rest where a translator left one out", () => {
    const half = { "language.locale": "pl", "tasks.summary.open_other": "{count} zadania" };
    const catalogues = cataloguesOf([...Object.values(FOLDERS), { "pl.ts": { default: half } }]);
    const { language, messages } = catalogues.get("pl")!;
    const { plural } = translator<MessageKey>(language, messages);
    expect([1, 2].map((count) => plural("tasks.summary.open", count))).toEqual([
      "1 zadania",
      "2 zadania",
    ]);
  });

  it("are English where a translator left out all", () => {
    expect(texts("he").plural("tasks.summary.open", 2)).toBe("2 tasks to do");
  });
});

describe("days", () => {
  it("have names when they are near", () => {
    expect(english.day(new Date(2026, 10, 20, 0, 1), NOW)).toBe("today");
    expect(english.day(new Date(2026, 10, 21, 23), NOW)).toBe("tomorrow");
    expect(english.day(new Date(2026, 10, 19), NOW)).toBe("yesterday");
    expect(english.day(new Date(2026, 10, 21, 0, 5), new Date(2026, 10, 20, 23, 55))).toBe(
      "tomorrow",
    );
    expect(urdu.day(new Date(2026, 10, 21), NOW)).toBe("آئندہ کل");
    expect(texts("pl").day(new Date(2026, 10, 21), NOW)).toBe("jutro");
  });

  it("have dates when they are not, with the year when it is another", () => {
    expect(english.day(new Date(2026, 11, 24), NOW)).toBe("Dec 24");
    expect(english.day(new Date(2027, 0, 2), NOW)).toBe("Jan 2, 2027");
    expect(urdu.day(new Date(2026, 11, 24), NOW)).toContain("۲۴");
  });

  it("have seconds", () => {
    expect(english.seconds(0.2)).toBe("1 second");
    expect(urdu.seconds(30)).toContain("۳۰");
    expect(texts("pl").seconds(3)).toBe("3 sekundy");
  });
});

describe("a language", () => {
  it.each([
    ["en", { direction: "ltr", typeface: "plain", digits: "latn" }, "EN, English"],
    ["ur", { direction: "rtl", typeface: "nastaliq", digits: "arabext" }, "اردو"],
    ["ar", { direction: "rtl", typeface: "naskh", digits: "arab" }, "العربية"],
    ["he", { direction: "rtl", typeface: "plain", digits: "latn" }, "עברית"],
    ["pl", { direction: "ltr", typeface: "plain", digits: "latn" }, "polski"],
  ])("is what its catalogue makes it: %s", (code, wanted, label) => {
    const { language } = WITH_TRIAL.get(code)!;
    expect(language).toMatchObject(wanted);
    expect(labelOf(language)).toBe(label);
  });

  it("names the others, itself first", () => {
    expect(english.languages(["en", "ur"])).toBe("English and Urdu");
    expect(urdu.languages(["en", "ur"])).toBe("اردو اور انگریزی");
    expect(english.languages(["ar", "en", "ur"])).toBe("English, Arabic, and Urdu");
  });

  it("speaks English where it lacks a text", () => {
    expect(texts("pl").t("tasks.title")).toBe("Zadania");
    expect(texts("pl").t("retry")).toBe("Try again");
  });
});

describe("a language more", () => {
  let folder: string | undefined;
  afterEach(() => folder && rmSync(folder, { recursive: true }));

  it("is a file in each folder of texts, and no edit", async () => {
    folder = mkdtempSync(join(tmpdir(), "sidestream-language."));
    const source = new URL("../src/", import.meta.url).pathname;
    for (const texts of ["lib/i18n", "features/tasks", "features/assistant"]) {
      mkdirSync(join(folder, texts, "texts"), { recursive: true });
      for (const code of CATALOGUES.keys()) {
        const file = join(texts, "texts", `${code}.ts`);
        writeFileSync(join(folder, file), readFileSync(source + file));
      }
      const mine = texts === "lib/i18n" ? TRIAL.ar : { "tasks.title": TRIAL.ar["tasks.title"] };
      const file = join(folder, texts, "texts", "ar.ts");
      writeFileSync(file, `export default ${JSON.stringify(mine)};`);
    }
    mkdirSync(join(folder, "shell"));
    const copy = join(folder, "shell", "catalogues.ts");
    writeFileSync(copy, readFileSync(`${source}shell/catalogues.ts`));

    const found = (await import(copy)) as { CATALOGUES: typeof CATALOGUES };
    expect([...found.CATALOGUES.keys()]).toEqual([
      "en",
      ...["ar", ...CATALOGUES.keys()].filter((code) => code !== "en").toSorted(),
    ]);
    expect(found.CATALOGUES.get("ar")).toMatchObject({
      language: { name: "العربية", direction: "rtl", typeface: "naskh" },
      messages: { "tasks.title": "المهام", retry: "Try again" },
    });
  });
});

describe("chooseLanguage", () => {
  const codes = ["en", "ur", "pt", "pt-BR", "zh-Hant"];
  const choose = (cookie: string | undefined, accepted: string | null) =>
    chooseLanguage(codes, cookie, accepted);

  it("takes the cookie, then the browser, then English", () => {
    expect(choose("ur", "en")).toBe("ur");
    expect(choose("xx", "fr-FR, ur-PK;q=0.8, en;q=0.5")).toBe("ur");
    expect(choose(undefined, "de")).toBe("en");
    expect(choose("__proto__", null)).toBe("en");
  });

  it.each([
    ["en;q=0.5, ur;q=0.9", "ur"],
    ["UR", "ur"],
    ["ur-Arab-PK, en;q=0.1", "ur"],
    ["pt-BR", "pt-BR"],
    ["pt-PT, pt-BR;q=0.9", "pt"],
    ["zh-Hant-TW", "zh-Hant"],
    ["zh-Hans, ur;q=0.1", "ur"],
    ["ur;q=0, de", "en"],
    ["ur;q=high", "en"],
    ["*", "en"],
    [";;;,,,=,q=1", "en"],
  ])("reads %s as %s", (accepted, wanted) => expect(choose(undefined, accepted)).toBe(wanted));
});
