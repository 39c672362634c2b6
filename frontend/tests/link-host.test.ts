import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { LanguageProvider } from "@/components/LanguageProvider";
import { hostBeyondWords } from "@/features/assistant/bridge/link-host";
import { Markdown } from "@/features/assistant/panel/Markdown";
import { Sources } from "@/features/assistant/panel/Sources";
import { WITH_TRIAL } from "./trial";

function html(element: Parameters<typeof createElement>[2], code = "en"): string {
  const catalogue = { ...WITH_TRIAL.get(code)!, languages: [] };
  return renderToStaticMarkup(createElement(LanguageProvider, catalogue, element));
}

const markdown = (text: string, code?: string) => html(createElement(Markdown, { text }), code);
const shown = (host: string) => ` (<bdi dir="ltr">${host}</bdi>)`;

describe("hostBeyondWords", () => {
  it.each([
    ["https://evil.example/a?q=1", "the invoice", "evil.example"],
    ["https://evil.example/", "بل دیکھیں", "evil.example"],
    ["https://evil.example/bank.example", "https://bank.example", "evil.example"],
    ["https://evil.example:8443/", "evil.example", "evil.example:8443"],
    ["//evil.example/a", "our page", "evil.example"],
    ["/\\evil.example", "our page", "evil.example"],
    ["https://bank.example@evil.example/", "https://bank.example@evil.example/", "evil.example"],
    ["https://аpple.example/", "https://аpple.example/", "xn--pple-43d.example"],
    ["https://evil.example/\u202e", "https://evil.example/\u202e", "evil.example"],
    ["mailto:eve@evil.example", "Support", "eve@evil.example"],
    ["https://evil.example", "", "evil.example"],
  ])("tells of %s called %s", (href, words, host) => {
    expect(hostBeyondWords(href, words)).toBe(host);
  });

  it.each([
    ["https://a.example/b", "https://a.example/b"],
    ["https://a.example/b", "a.example/b"],
    ["https://a.example/", "a.example"],
    ["https://a.example/b/c", "a.example"],
    ["http://www.a.example", "www.a.example"],
    ["mailto:sana@a.example", "sana@a.example"],
    ["/tasks", "your tasks"],
    ["#note", "the note"],
    ["", "what was no address"],
    [undefined, "nothing"],
  ])("says nothing more of %s called %s", (href, words) => {
    expect(hostBeyondWords(href, words)).toBeNull();
  });
});

describe("a link in an answer", () => {
  it.each(["en", "ur"])("shows where it goes, on a page in %s", (code) => {
    const page = markdown("Pay **[your _bank_](https://evil.example/x)** now", code);
    expect(page).toContain(shown("evil.example"));
    expect(markdown("[بل](https://evil.example/x)", code)).toContain(shown("evil.example"));
    expect(markdown("[![logo](https://a.example/i.png)](https://evil.example)", code)).toContain(
      shown("evil.example"),
    );
  });

  it("stays as it is where its words are its address", () => {
    const page = markdown(
      "See https://a.example/b, www.a.example and [a.example](https://a.example)",
    );
    expect(page.match(/<a /g)).toHaveLength(3);
    expect(page).not.toContain("<bdi");
  });

  it("is none without an address that may be followed", () => {
    expect(markdown("[x](javascript:alert(1))")).not.toContain("<bdi");
  });
});

describe("a source", () => {
  it("shows where it goes beside its title", () => {
    const source = { type: "url", title: "The bank", url: "https://evil.example/a" } as const;
    expect(html(createElement(Sources, { sources: [source] }))).toContain(shown("evil.example"));
  });
});
