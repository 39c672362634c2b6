import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { LanguageProvider } from "@/components/LanguageProvider";
import { Markdown } from "@/features/assistant/panel/Markdown";
import { WITH_TRIAL } from "./trial";

function html(text: string, code = "en"): string {
  const catalogue = { ...WITH_TRIAL.get(code)!, languages: [] };
  const page = createElement(LanguageProvider, catalogue, createElement(Markdown, { text }));
  return renderToStaticMarkup(page).replaceAll("\n", "");
}

const words = (text: string) => `<span class="words">${text}</span>`;

describe("the words of a list item", () => {
  it("are a run of their own, with what is emphasised in them", () => {
    expect(html("آپ کے کام:\n\n1. Buy **milk**\n2. روٹی")).toContain(
      `<ol><li>${words("Buy <strong>milk</strong>")}</li><li>${words("روٹی")}</li></ol>`,
    );
  });

  it("end where a list within it begins", () => {
    expect(html("- Shop\n  - دودھ")).toContain(
      `<ul><li>${words("Shop")}<ul><li>${words("دودھ")}</li></ul></li></ul>`,
    );
  });

  it("are found in the paragraphs of a loose list too, and left alone elsewhere", () => {
    const loose = html("Look:\n\n1. Buy milk\n\n2. روٹی");
    expect(loose).toContain(`<li><p>${words("Buy milk")}</p></li>`);
    expect(loose).toContain("<p>Look:</p>");
  });

  it("leave the tick of a task beside them", () => {
    expect(html("- [x] دودھ")).toMatch(
      /<li[^>]*><input[^>]*\/> ?<span class="words"> ?دودھ<\/span>/,
    );
  });

  it("leave it to the letters which way the whole runs", () => {
    // `dir=auto` looks past what has a direction of its own.
    expect(html("1. دودھ")).not.toMatch(/<span[^>]*dir=/);
  });
});

describe("Markdown", () => {
  it.each([
    ["آپ کے کام", "en", "script-nastaliq"],
    ["مهامك اليوم", "en", "script-naskh"],
    ["کام", "ur", "script-nastaliq"],
    ["کام", "ar", "script-naskh"],
    ["Your tasks", "ar", ""],
  ])(
    "sets %s on a page in %s in its own typeface, and in the direction of its letters",
    (text, code, script) => {
      expect(html(text, code)).toBe(
        `<div dir="auto" class="prose break-words ${script}"><p>${text}</p></div>`,
      );
    },
  );
});
