/** The page in Urdu. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Thread } from "@/features/assistant/bridge/protocol";
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

  it("an answer that was stopped says so after a reload, and is answered again", async () => {
    const person = await Person.signedUp(browser, web, {
      path: "/tasks?panel=local",
      locale: "ur-PK",
    });
    const { page } = person;
    await person.openAssistant();
    await person.say("1500 الفاظ کی کہانی سنائیں");
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    await page.getByRole("button", { name: "روکیں" }).click();
    const mark = page.locator("[data-incomplete=stopped]");
    await mark.getByText("یہاں روک دیا گیا").waitFor();
    await page.reload();
    await mark.getByText("یہاں روک دیا گیا").waitFor();
    await mark.scrollIntoViewIfNeeded();
    expect(await person.accessibilityProblems()).toEqual([]);
    await person.screenshot("urdu-incomplete");
    await mark.getByRole("button", { name: "دوبارہ جواب دیں" }).click();
    await expect.poll(() => mark.count()).toBe(0);
    await person.quiet();
    expect(await page.locator("[data-incomplete]").count()).toBe(0);
    expect(await person.answers.count()).toBe(1);
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

  it("the numbers of a list of both scripts stand at its side, and its words beside them", async () => {
    for (const [locale, words, side] of [
      ["ur-PK", "آپ کے کام:\n\n1. Buy milk\n2. روٹی لانا\n\n- Water the plants", "right"],
      ["en-GB", "Your tasks:\n\n1. دودھ لانا\n2. Buy bread\n\n- پودوں کو پانی دینا", "left"],
    ] as const) {
      const person = await Person.signedUp(browser, web, { path: "/chatbot?panel=local", locale });
      const { page } = person;
      await person.composer.waitFor();
      await person.ask("Hello");
      await page.route("**/api/chatkit", async (route) => {
        if (!route.request().postData()?.includes("threads.get_by_id")) return route.continue();
        const response = await route.fetch();
        const thread = (await response.json()) as Thread;
        for (const item of thread.items.data) {
          if (item.type === "assistant_message") item.content[0]!.text = words;
        }
        await route.fulfill({ response, json: thread });
      });
      await page.reload();
      await page.locator(".prose li").first().waitFor();
      const gaps = await page.locator(".prose li .words").evaluateAll(
        (elements, side) =>
          elements.map((element) => {
            const item = element.closest("li")!.getBoundingClientRect();
            return Math.abs(item[side] - element.getBoundingClientRect()[side]);
          }),
        side,
      );
      expect(gaps).toEqual([0, 0, 0]);
      // A block that takes the direction of its words would take its number with it.
      expect(
        await page
          .locator(".prose li")
          .evaluateAll((elements) => elements.map((one) => getComputedStyle(one).unicodeBidi)),
      ).not.toContain("plaintext");
      await person.leave();
    }
  });

  it("the digits of a date are in order", async () => {
    const person = await Person.signedUp(browser, web, { locale: "ur-PK" });
    const { page } = person;
    await page.locator("button[aria-expanded][aria-controls]").first().waitFor();
    const dates = page.locator("input[type=date]");
    expect(await dates.evaluate((input) => getComputedStyle(input).direction)).toBe("ltr");
    await person.leave();
  });

  it("the hint of an empty field runs as the page does, and words as they do", async () => {
    const person = await Person.signedUp(browser, web, { locale: "ur-PK" });
    const title = person.page.locator("form input[name=title]");
    const direction = () => title.evaluate((input) => getComputedStyle(input).direction);
    expect(await direction()).toBe("rtl");
    const notes = person.page.locator("form textarea");
    expect(await notes.evaluate((area) => getComputedStyle(area).unicodeBidi)).toBe("isolate");
    await title.fill("Buy milk");
    expect(await direction()).toBe("ltr");
    await title.fill("دودھ لانا");
    expect(await direction()).toBe("rtl");
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
