/** Streams of events that suffer on their way to our own panel. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { Network } from "./network";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
let network: Network;
beforeAll(async () => {
  browser = await launch();
  network = await Network.open();
});
afterAll(async () => {
  await browser.close();
  await network.close();
});

/** Long enough to be caught in the middle, whatever the pace of the scripted model. */
const WORDS = 1500;
const LONG = `Tell me a story of ${WORDS} words`;

async function arrive(): Promise<Person> {
  network.fate = "whole";
  const path = "/tasks?panel=local";
  const person = await Person.signedUp(browser, web, { path, proxy: network.proxy });
  await person.openAssistant();
  return person;
}

/** Where the page has asked for the rest of a run. */
function resumed(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname.endsWith("/events")) asked.push(url.search);
  });
  return asked;
}

const speaks = (page: Page) =>
  page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();

async function isWholeNowAndLater(person: Person): Promise<void> {
  await person.quiet();
  const text = await person.answers.last().locator(".prose").innerText();
  expect(text.split(/\s+/)).toHaveLength(WORDS);
  expect(await person.answers.count()).toBe(1);
  expect(await person.page.getByTestId("run-error").count()).toBe(0);
  await person.page.reload();
  await person.answers.first().waitFor();
  await expect.poll(() => person.answers.last().locator(".prose").innerText()).toBe(text);
}

describe("an answer", () => {
  it("goes on when its stream ends in good order before it does", async () => {
    const person = await arrive();
    const asked = resumed(person.page);
    await person.say(LONG);
    await speaks(person.page);
    network.fate = "short";
    await person.page.getByTestId("reconnecting").waitFor();
    network.fate = "whole";
    await isWholeNowAndLater(person);
    expect(asked[0]).toMatch(/^\?after=[1-9]/);
    await person.leave();
  });

  it("is followed no further once it has ended", async () => {
    const person = await arrive();
    const asked = resumed(person.page);
    await person.ask("Hello");
    await person.ask("Add buy milk");
    expect(asked).toEqual([]);
    await person.leave();
  });

  it("says no word twice that comes twice", async () => {
    const person = await arrive();
    network.fate = "twice";
    await person.say(LONG);
    await isWholeNowAndLater(person);
    await person.leave();
  });

  it("is taken up again when its line has been silent for long", async () => {
    const person = await arrive();
    const { page } = person;
    const asked = resumed(page);
    await page.clock.install();
    await person.say(LONG);
    await speaks(page);
    network.fate = "silent";
    // Shorter than three times what the API is silent for.
    await page.clock.fastForward(40_000);
    expect(asked).toEqual([]);
    network.fate = "whole";
    await page.clock.fastForward(20_000);
    await expect.poll(() => asked).toHaveLength(1);
    await isWholeNowAndLater(person);
    await person.leave();
  });

  it("ends with its conversation, and the next message begins another one", async () => {
    const person = await arrive();
    const { page } = person;
    await person.say("Tell me a story of 5000 words");
    await speaks(page);
    const elsewhere = await person.context.newPage();
    await elsewhere.goto(`${web}/chatbot?panel=local`);
    await elsewhere.getByRole("button", { name: "Conversations" }).click();
    await elsewhere.getByRole("button", { name: /^Delete/ }).click();
    await elsewhere
      .getByRole("button", { name: /^Delete/ })
      .first()
      .click();

    const error = page.getByTestId("run-error");
    await error.getByText("This conversation has been deleted").waitFor();
    expect(await error.getByRole("button").count()).toBe(0);
    await person.quiet();
    await person.screenshot("assistant-conversation-deleted");
    await person.say("Hello");
    await person.answers.getByText(/Hello/).waitFor();
    await person.quiet();
    expect(await error.count()).toBe(0);
    expect(await person.answers.count()).toBe(1);
    await page.reload();
    await person.answers.first().waitFor();
    expect(await person.answers.count()).toBe(1);
    await person.leave();
  });
});
