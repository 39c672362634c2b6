/** The page in Urdu. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person, PHONE } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

describe("in Urdu", () => {
  it("the page is right to left, in Nastaliq, with its own numerals, and switches at once", async () => {
    const person = await Person.signedUp(browser, web, { name: "آمنہ خان" });
    const { page } = person;
    await person.addTask("دودھ لانا");
    await page.getByRole("button", { name: "اردو" }).click();
    await page.getByRole("heading", { level: 1, name: "کام" }).waitFor();
    expect(await page.evaluate(() => [document.documentElement.lang, document.dir])).toEqual([
      "ur",
      "rtl",
    ]);
    await page.getByText("۱ کام باقی ہے").waitFor();
    await page.evaluate(() => document.fonts.ready);
    const fonts = await page.evaluate(() =>
      [...document.fonts]
        .filter(({ status }) => status === "loaded")
        .map(({ family }) => family.replaceAll('"', "")),
    );
    expect(fonts).toContain("Noto Nastaliq Urdu");

    // What hangs below the line in Nastaliq is not cut off.
    const cut = await page.locator("[data-task] p, h1, button").evaluateAll((elements) =>
      elements
        .filter((element) => getComputedStyle(element).overflow === "hidden")
        .filter((element) => element.scrollHeight > element.clientHeight + 1)
        .map((element) => element.textContent),
    );
    expect(cut).toEqual([]);
    await person.screenshot("urdu-tasks");
    expect(await person.accessibilityProblems()).toEqual([]);

    await page.reload();
    await page.getByRole("heading", { level: 1, name: "کام" }).waitFor();
    await page.getByRole("button", { name: "EN, English" }).click();
    await page.getByRole("heading", { level: 1, name: "Tasks" }).waitFor();
    await person.leave();
  });

  it("the browser's own language is enough", async () => {
    const person = await Person.arrive(browser, web, { locale: "ur-PK" });
    await person.page.goto(`${web}/sign-up`);
    await person.page.getByRole("heading", { name: "اپنا اکاؤنٹ بنائیں" }).waitFor();
    await person.screenshot("urdu-sign-up");
    expect(await person.accessibilityProblems()).toEqual([]);
    await person.leave();
  });

  it("the assistant docks left, and answers in Urdu", async () => {
    const person = await Person.signedUp(browser, web, {
      name: "آمنہ خان",
      path: "/tasks?panel=local",
      locale: "ur-PK",
    });
    const { page } = person;
    await person.openAssistant();
    await page.getByText("السلام علیکم آمنہ").waitFor();
    await expect
      .poll(() => page.locator("#assistant").boundingBox())
      .toMatchObject({ x: 0, width: 400 });
    await person.screenshot("urdu-assistant-start");
    await person.ask("میری فہرست میں دودھ لانا شامل کرو");
    await expect.poll(() => person.taskTitles.count()).toBe(1);
    expect(await person.answers.last().innerText()).toMatch(/\p{Script=Arabic}/u);
    await person.ask("میرے کام دکھاؤ");
    await person.screenshot("urdu-assistant");
    expect(await person.accessibilityProblems()).toEqual([]);

    await page.setViewportSize(PHONE);
    await person.screenshot("urdu-phone");
    await person.leave();
  });

  it("each message has the direction of its own words", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const { page } = person;
    await person.openAssistant();
    await person.ask("Hello");
    await person.ask("السلام علیکم");
    const directions = await page
      .locator("[data-item=user_message] p")
      .evaluateAll((elements) => elements.map((element) => getComputedStyle(element).direction));
    expect(directions).toEqual(["ltr", "rtl"]);
    await person.leave();
  });
});
