/** The page enlarged: twice the size of everything, and twice the size of the text alone. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DESKTOP, launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

/** What a zoom of 200 % leaves of a window. */
const ZOOMED = {
  viewport: { width: DESKTOP.width / 2, height: DESKTOP.height / 2 },
  deviceScaleFactor: 2,
};

describe("at 200 %, half of the window is conversation", () => {
  it.each([
    ["en-GB", "/tasks?panel=local"],
    ["ur-PK", "/tasks?panel=local"],
    ["en-GB", "/tasks"],
    ["en-GB", "/chatbot?panel=local"],
    ["ur-PK", "/chatbot?panel=local"],
  ])("in %s at %s", async (locale, path) => {
    const person = await Person.signedUp(browser, web, { path, locale, ...ZOOMED });
    const { page } = person;
    await page.route("https://cdn.platform.openai.com/**", (route) => route.abort());
    if (!path.startsWith("/chatbot")) await person.openAssistant();
    await person.composer.waitFor();
    await person.ask("Add buy milk");
    const seen = await page.locator("[data-phase] [role=region]").evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect();
      return Math.min(bottom, innerHeight) - Math.max(top, 0);
    });
    expect(seen).toBeGreaterThanOrEqual(ZOOMED.viewport.height / 2);
    expect(await person.accessibilityProblems()).toEqual([]);
    await person.leave();
  });
});

it("icons grow with the text", async () => {
  const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
  const { page } = person;
  await person.openAssistant();
  await person.ask("Add buy milk");
  await page.locator("[data-task]").waitFor();
  const widths = () =>
    page
      .locator("svg:visible, [role=checkbox] span, input[type=checkbox]")
      .evaluateAll((elements) =>
        elements.map((element) => parseFloat(getComputedStyle(element).width)),
      );
  const before = await widths();
  expect(before.length).toBeGreaterThan(12);
  await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
  expect(await widths()).toEqual(before.map((width) => width * 2));
  await person.leave();
});
