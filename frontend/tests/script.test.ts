import { describe, expect, it } from "vitest";
import { scriptClass, typefaceOf, type Typeface } from "@/lib/i18n/script";

const PAGES: readonly Typeface[] = ["plain", "nastaliq", "naskh"];

describe("the typeface of a text", () => {
  it.each([
    ["بجلی کا بل جمع کرانا ہے", "nastaliq"], // Urdu
    ["دودھ لانا", "nastaliq"],
    ["Buy دودھ today", "nastaliq"],
    ["کٲشُر زَبان چھے", "nastaliq"], // Kashmiri
    ["شراء الحليب واللبنة", "naskh"], // Arabic
    ["خرید شیر و نان برای خانه", "naskh"], // Persian
    ["شیدې واخله", "naskh"], // Pashto
    ["سۈت سېتىۋالدىغان ھەمكار", "naskh"], // Uyghur, which has a letter of Urdu's too
    ["شیر بکڕە", "naskh"], // Kurdish
    ["Buy milk", "plain"],
    ["לקנות חלב", "plain"],
    ["दूध लाना", "plain"],
    ["", "plain"],
  ] as const)("is told by the letters of %s", (text, typeface) => {
    for (const page of PAGES) expect(typefaceOf(text, page)).toBe(typeface);
  });

  it("is the page's where the letters do not tell", () => {
    expect(PAGES.map((page) => typefaceOf("کام", page))).toEqual(["nastaliq", "nastaliq", "naskh"]);
  });

  it("is a class of the style sheet", () => {
    expect(scriptClass("دودھ", "plain")).toBe("script-nastaliq");
    expect(scriptClass("حليب", "plain")).toBe("script-naskh");
    expect(scriptClass("Milk", "nastaliq")).toBe("");
  });
});
