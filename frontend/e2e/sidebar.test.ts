/** How the assistant stands beside the page: size, side, speed, focus, and which panel serves. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DESKTOP, launch, Person, PHONE } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

const assistant = (person: Person) => person.page.locator("#assistant");

async function settledBox(person: Person) {
  await assistant(person).evaluate(async (element) => {
    await Promise.all(element.getAnimations().map((animation) => animation.finished));
  });
  return assistant(person).boundingBox();
}

describe("the sidebar", () => {
  it("docks right at 400 px, opens and closes by button and Escape, and minds the focus", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const { page } = person;
    const toggle = page.locator("#assistant-toggle");
    expect(await assistant(person).isVisible()).toBe(false);

    await person.openAssistant();
    expect(await settledBox(person)).toEqual({
      x: DESKTOP.width - 400,
      y: 0,
      width: 400,
      height: DESKTOP.height,
    });
    const focused = () => page.evaluate(() => document.activeElement?.id);
    await expect.poll(focused).toBe("assistant-composer");
    expect(await toggle.getAttribute("aria-expanded")).toBe("true");

    await page.keyboard.press("Escape");
    await expect.poll(() => assistant(person).isVisible()).toBe(false);
    expect(await focused()).toBe("assistant-toggle");

    await toggle.click();
    await person.composer.waitFor();
    await expect.poll(focused).toBe("assistant-composer");
    await assistant(person).getByRole("button", { name: "Close the assistant" }).click();
    await expect.poll(() => assistant(person).isVisible()).toBe(false);
    expect(await focused()).toBe("assistant-toggle");
    // Closed, none of it can be reached by keyboard.
    expect(await assistant(person).evaluate((element) => (element as HTMLElement).inert)).toBe(
      true,
    );
    await person.leave();
  });

  it("slides in under 300 ms, and not at all for those who want no motion", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const slide = (one: Person) =>
      assistant(one).evaluate((element) =>
        Math.max(
          ...getComputedStyle(element)
            .transitionDuration.split(",")
            .map((part) => parseFloat(part) * 1000),
        ),
      );
    expect(await slide(person)).toBeGreaterThan(0);
    expect(await slide(person)).toBeLessThan(300);
    await person.leave();
    const calm = await Person.signedUp(browser, web, {
      path: "/tasks?panel=local",
      reducedMotion: "reduce",
    });
    expect(await slide(calm)).toBeLessThan(1);
    await calm.leave();
  });

  it("opens from the empty list into the message box", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const { page } = person;
    await page.getByRole("button", { name: "Ask the assistant" }).click();
    await person.composer.waitFor();
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.id))
      .toBe("assistant-composer");
    await person.leave();
  });

  it("leaves the focus with a person who has moved on while it loads", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.clock.install();
    await page.route("https://cdn.platform.openai.com/**", () => {});
    await page.locator("#assistant-toggle").click();
    await page.getByText("Use the built-in assistant now").waitFor();
    await page.locator("form input[name=title]").focus();
    await page.clock.fastForward(10_100);
    await person.composer.waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("title");
    await person.leave();
  });

  it("goes from the conversations to a new one, and into its box", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const { page } = person;
    await person.openAssistant();
    await page.getByRole("button", { name: "Conversations" }).click();
    await page.getByRole("button", { name: "New conversation" }).click();
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.id))
      .toBe("assistant-composer");
    await person.leave();
  });

  it("stays open across a reload", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    await person.openAssistant();
    await person.page.reload();
    await person.composer.waitFor();
    await person.leave();
  });

  it("covers a phone, and the page beneath is out of reach", async () => {
    const person = await Person.signedUp(browser, web, {
      path: "/tasks?panel=local",
      viewport: PHONE,
      hasTouch: true,
    });
    const { page } = person;
    const focused = () => page.evaluate(() => document.activeElement?.id);
    await person.addTask("Buy milk");
    await person.openAssistant();
    await expect.poll(focused).toBe("assistant-composer");
    await page.keyboard.press("Escape");
    await expect.poll(focused).toBe("assistant-toggle");
    await person.openAssistant();
    await expect.poll(focused).toBe("assistant-composer");
    expect(await settledBox(person)).toEqual({ x: 0, y: 0, ...PHONE });
    expect(await page.getByRole("dialog", { name: "AI Task Assistant" }).count()).toBe(1);
    await expect
      .poll(() => page.locator("main").evaluate((element) => element.closest("[inert]") !== null))
      .toBe(true);
    await person.ask("Show my tasks");
    await person.screenshot("assistant-phone");
    expect(await person.accessibilityProblems()).toEqual([]);
    await assistant(person).getByRole("button", { name: "Close the assistant" }).click();
    await page.getByText("1 task to do").waitFor();
    await person.leave();
  });
});

describe("the full page", () => {
  it("is the same assistant under a heading, with the same conversation", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const { page } = person;
    await person.openAssistant();
    await person.ask("Add buy milk");
    await page.goto(`${web}/chatbot?panel=local`);
    await page.getByRole("heading", { level: 1, name: "AI Task Assistant" }).waitFor();
    await person.answers.waitFor();
    expect(await page.locator("#assistant-toggle").count()).toBe(0);
    await person.screenshot("chatbot");
    expect(await person.accessibilityProblems()).toEqual([]);
    await page.setViewportSize(PHONE);
    await person.screenshot("chatbot-phone");
    await person.leave();
  });

  it("scrolls within the conversation, and nowhere else", async () => {
    const person = await Person.signedUp(browser, web, { path: "/chatbot?panel=local" });
    const { page } = person;
    await person.composer.waitFor();
    for (const title of ["milk", "bread", "tea"]) await person.ask(`Add buy ${title}`);
    for (const viewport of [DESKTOP, PHONE]) {
      await page.setViewportSize(viewport);
      const heights = await page.evaluate(() => {
        const { scrollHeight } = document.documentElement;
        const region = document.querySelector("[role=region]")!;
        return { document: scrollHeight, isScroller: region.scrollHeight > region.clientHeight };
      });
      expect(heights).toEqual({ document: viewport.height, isScroller: true });
    }
    await person.leave();
  });
});

describe("when OpenAI's script", () => {
  it("does not load, our own panel takes over and says so", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.route("https://cdn.platform.openai.com/**", (route) => route.abort());
    await person.openAssistant();
    await page.getByText("OpenAI's chat component could not load").waitFor();
    expect(await person.ask("Hello")).toMatch(/Hello/);
    await person.screenshot("assistant-fallback");
    await person.leave();
  });

  it("loads but is never ready, our own panel takes over after 10 seconds", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.clock.install();
    await page.route("https://cdn.platform.openai.com/**", (route) =>
      route.fulfill({ contentType: "text/javascript", body: "" }),
    );
    await page.locator("#assistant-toggle").click();
    await page.getByText("Use the built-in assistant now").waitFor();
    await person.screenshot("assistant-loading");
    await page.clock.fastForward(9_000);
    expect(await person.composer.count()).toBe(0);
    await page.clock.fastForward(1_100);
    await person.composer.waitFor();
    await person.leave();
  });

  it("takes its time, nobody has to wait for it", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.route("https://cdn.platform.openai.com/**", () => {});
    await page.locator("#assistant-toggle").click();
    await page.getByRole("button", { name: "Use the built-in assistant now" }).click();
    await person.composer.waitFor();
    await person.leave();
  });
});
