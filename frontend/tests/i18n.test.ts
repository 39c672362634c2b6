import { describe, expect, it } from "vitest";
import { safePath } from "@/lib/auth/paths";
import { en } from "@/lib/i18n/texts/en";
import { chooseLanguage, isUrduScript } from "@/lib/i18n/language";
import { translator } from "@/lib/i18n/translate";
import { ur } from "@/lib/i18n/texts/ur";

const english = translator("en", en);
const urdu = translator("ur", ur);
const NOW = new Date(2026, 10, 20, 12);

describe("texts", () => {
  it.each(Object.keys(en) as (keyof typeof en)[])("%s says the same in Urdu", (key) => {
    const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted();
    expect(names(ur[key])).toEqual(names(en[key]));
    if (key !== "app.name") expect(isUrduScript(ur[key])).toBe(true);
  });

  it("are filled in once, and not again from within a value", () => {
    expect(english.t("tasks.announce.added", { title: "{title} {name}" })).toBe(
      "Added “{title} {name}”.",
    );
  });

  it("count in one form or the other", () => {
    expect(english.plural("tasks.summary.open", 1)).toBe("1 task to do");
    expect(english.plural("tasks.summary.open", 1_200)).toBe("1,200 tasks to do");
    expect(urdu.plural("tasks.summary.open", 12)).toContain("۱۲");
  });
});

describe("days", () => {
  it("have names when they are near", () => {
    expect(english.day(new Date(2026, 10, 20, 0, 1), NOW)).toBe("today");
    expect(english.day(new Date(2026, 10, 21, 23), NOW)).toBe("tomorrow");
    expect(english.day(new Date(2026, 10, 19), NOW)).toBe("yesterday");
    expect(urdu.day(new Date(2026, 10, 21), NOW)).toBe("آئندہ کل");
  });

  it("have dates when they are not, with the year when it is another", () => {
    expect(english.day(new Date(2026, 11, 24), NOW)).toBe("Dec 24");
    expect(english.day(new Date(2027, 0, 2), NOW)).toBe("Jan 2, 2027");
    expect(urdu.day(new Date(2026, 11, 24), NOW)).toContain("۲۴");
  });

  it("have seconds", () => {
    expect(english.seconds(0.2)).toBe("1 second");
    expect(urdu.seconds(30)).toContain("۳۰");
  });
});

describe("chooseLanguage", () => {
  it("takes the cookie, then the browser, then English", () => {
    expect(chooseLanguage("ur", "en")).toBe("ur");
    expect(chooseLanguage("xx", "fr-FR, ur-PK;q=0.8, en;q=0.5")).toBe("ur");
    expect(chooseLanguage(undefined, "de")).toBe("en");
    expect(chooseLanguage("__proto__", null)).toBe("en");
  });
});

describe("safePath", () => {
  it("keeps paths of the page", () => {
    expect(safePath("/chatbot?panel=local")).toBe("/chatbot?panel=local");
  });

  it.each([undefined, "", "https://evil.example", "//evil.example", "/\\evil.example", "chatbot"])(
    "leads %s to the tasks",
    (path) => expect(safePath(path)).toBe("/tasks"),
  );
});
