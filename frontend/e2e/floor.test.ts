/** Where the page's scripts cannot run, a person reads why, in place of a page that does nothing. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { CATALOGUES } from "@/shell/catalogues";
import { launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

/** What is said, in each language: English first, as everybody who asks for none of them reads it. */
const messages = [...CATALOGUES.values()].map((catalogue) => catalogue.messages);
const en = CATALOGUES.get("en")!.messages;

const SCRIPTS = "**/_next/static/**/*.js";

/** What a person sees, without the blanks between. */
async function seen(page: Page): Promise<string[]> {
  const text = await page.locator("body").innerText();
  return text.split(/\n+/).filter((line) => line.trim());
}

async function open(options: BrowserContextOptions, prepare?: (page: Page) => Promise<unknown>) {
  const person = await Person.arrive(browser, web, options);
  await prepare?.(person.page);
  await person.page.goto(`${web}/sign-in`);
  return person;
}

const OLD: Record<string, () => void> = {
  "Chrome 109": () => {
    Reflect.deleteProperty(Array.prototype, "with");
    Reflect.deleteProperty(Array.prototype, "toReversed");
  },
  "Safari 16.0": () => void Reflect.deleteProperty(window, "CSSPropertyRule"),
  "Chrome 110": () => (CSS.supports = () => false),
};

describe("a browser that is too old", () => {
  it.each(Object.entries(OLD))("%s is told so", async (_, remove) => {
    const person = await open({}, (page) => page.addInitScript(remove));
    await person.page.waitForLoadState("networkidle");
    expect(await seen(person.page)).toEqual(messages.map((texts) => texts["floor.old"]));
    expect(await person.page.getByRole("alert").getByText(en["floor.old"]!).isVisible()).toBe(true);
    await person.context.close();
  });

  it("is told the versions that the page is built for", () => {
    const versions = packageJson.browserslist.map((line) => line.split(" ").at(-1) ?? "");
    for (const texts of messages) {
      for (const version of versions) expect(texts["floor.old"]).toContain(version);
    }
  });
});

describe("a page without its scripts", () => {
  const said = (kind: "script" | "failed") =>
    messages.map((texts) => `${texts[`floor.${kind}`]} ${texts["floor.again"]}`);
  const script = said("script");
  const failed = said("failed");

  it("says that they are switched off", async () => {
    const person = await open({ javaScriptEnabled: false });
    expect(await seen(person.page)).toEqual(script);
    await person.context.close();
  });

  it.each([...CATALOGUES.keys()])("says it in %s first to those who read that", async (locale) => {
    const person = await open({ javaScriptEnabled: false, locale });
    const own = script[[...CATALOGUES.keys()].indexOf(locale)]!;
    expect(await seen(person.page)).toEqual([own, ...script.filter((words) => words !== own)]);
    await person.context.close();
  });

  it.each([
    ["do not arrive", (page: Page) => page.route(SCRIPTS, (route) => route.abort())],
    [
      "throw",
      (page: Page) =>
        page.route(SCRIPTS, (route) =>
          route.fulfill({ contentType: "text/javascript", body: "throw new Error('broken')" }),
        ),
    ],
    [
      "are not understood",
      (page: Page) =>
        page.route(SCRIPTS, (route) =>
          route.fulfill({ contentType: "text/javascript", body: "class { static { ?" }),
        ),
    ],
  ])("says that they %s, and comes when it is loaded again", async (_, prepare) => {
    const person = await open({}, prepare);
    const { page } = person;
    await expect.poll(() => seen(page)).toEqual(failed);
    await page.unroute(SCRIPTS);
    await page.getByRole("link", { name: en["floor.again"]! }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await person.context.close();
  });

  it("works, or says that it does not, whichever of them is missing", async () => {
    const whole = await open({});
    const sources = await whole.page
      .locator("script[src]")
      .evaluateAll((scripts) =>
        (scripts as HTMLScriptElement[]).filter((one) => !one.noModule).map(({ src }) => src),
      );
    await whole.leave();
    expect(sources.length).toBeGreaterThan(5);
    for (const source of new Set(sources)) {
      const person = await open({}, (page) => page.route(source, (route) => route.abort()));
      const { page } = person;
      const works = async () => {
        if (await page.getByRole("button", { name: "Hide password" }).isVisible()) return true;
        const eye = page.getByRole("button", { name: "Show password" });
        if (await eye.isVisible()) await eye.click();
        return false;
      };
      const says = async () => {
        const lines = await seen(page);
        return lines.join() === failed.join() || lines.includes(en["problem.page.title"]!);
      };
      await expect
        .poll(async () => (await works()) || (await says()), {
          message: source,
          timeout: 10_000,
        })
        .toBe(true);
      await person.context.close();
    }
  });
});
