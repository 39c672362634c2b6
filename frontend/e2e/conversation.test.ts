/** Our own panel, end to end: real Chromium, the real page, the real functions. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { Network } from "./network";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

/** Long enough to be caught in the middle, whatever the pace of the scripted model. */
const LONG = "Tell me a story of 1500 words";

const arrive = (path = "/tasks?panel=local") => Person.signedUp(browser, web, { path });

describe("the whole flow", () => {
  it("adds, lists, completes and deletes by talking, and the list follows", async () => {
    const person = await arrive();
    const { page } = person;
    await page.getByText("A clear list").waitFor();
    await person.openAssistant();
    await page.getByText("Hello Amina. What shall we take care of?").waitFor();
    await person.screenshot("assistant-start");
    expect(await person.accessibilityProblems()).toEqual([]);

    expect(await person.ask("Add buy milk")).toMatch(/Added/);
    expect(await person.ask("Add call the dentist tomorrow")).toMatch(/Added/);
    await expect.poll(() => person.taskTitles.count()).toBe(2);
    await person.screenshot("assistant-added");

    await person.ask("Show my tasks");
    await page.locator("[data-item=widget]").waitFor();
    await person.screenshot("assistant-list");
    expect(await person.accessibilityProblems()).toEqual([]);

    expect(await person.ask("Mark the milk task as done")).toMatch(/complete/i);
    await expect
      .poll(() => page.locator("[data-task] [role=checkbox][aria-checked=true]").count())
      .toBe(1);

    await person.ask("Delete the dentist task");
    await expect.poll(() => person.taskTitles.count()).toBe(1);

    await page.locator("[data-item=workflow]").first().getByRole("button").click();
    await page.locator("[data-item=workflow] [data-status=complete]").first().waitFor();
    await person.screenshot("assistant-trace");
    expect(await person.accessibilityProblems()).toEqual([]);
    await person.leave();
  });

  it("works from the widget: a tick and a deletion, which stay after a reload", async () => {
    const person = await arrive();
    const { page } = person;
    await person.addTask("Water the plants");
    await person.addTask("Buy milk");
    await person.openAssistant();
    await person.ask("Show my tasks");
    const widget = page.locator("[data-item=widget]").last();
    await widget.getByText("Buy milk").waitFor();
    await widget.getByRole("checkbox", { name: "Done" }).first().click();
    await expect
      .poll(() => page.locator("[data-task] [role=checkbox][aria-checked=true]").count())
      .toBe(1);
    await person.quiet();
    const before = await widget.innerText();
    await page.reload();
    await person.composer.waitFor();
    await expect.poll(() => page.locator("[data-item=widget]").last().innerText()).toBe(before);
    await person.leave();
  });

  it("asks before it deletes several, and does as it is answered", async () => {
    const person = await arrive();
    const { page } = person;
    for (const title of ["Old letter", "Old bill", "Fresh bread"]) await person.addTask(title);
    await person.openAssistant();
    await person.say("Delete old letter and old bill");
    const form = page.locator("[data-item=structured_input] form");
    await form.waitFor();
    await person.quiet();
    await person.screenshot("assistant-question");
    expect(await person.accessibilityProblems()).toEqual([]);
    expect(await person.taskTitles.count()).toBe(3);
    // Words of one's own may begin as an option reads.
    const option = (await form.locator("label").last().innerText()).trim();
    const own = form.getByRole("textbox");
    await own.pressSequentially(`${option}, thanks`);
    expect(await own.inputValue()).toBe(`${option}, thanks`);
    await form.getByRole("radio").first().check();
    expect(await own.inputValue()).toBe("");
    await form.getByRole("button", { name: "Answer" }).click();
    await expect.poll(() => person.taskTitles.allInnerTexts()).toEqual(["Fresh bread"]);
    await person.quiet();
    await page.getByText("You answered:").waitFor();
    await person.leave();
  });
});

describe("what is kept", () => {
  it("comes back after a refresh, the same as it was streamed", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.ask("Add buy milk");
    await person.ask("Show my tasks");
    const shown = () =>
      page
        .locator("[role=log] [data-item]")
        .evaluateAll((items) =>
          items.map((item) => `${item.getAttribute("data-item")}: ${item.textContent}`),
        );
    const streamed = await shown();
    await page.reload();
    await person.answers.nth(1).waitFor();
    await person.quiet();
    // A finished trace may fold away; its words stay the same.
    expect(await shown()).toEqual(streamed);
    await person.leave();
  });

  it("is listed, renamed, opened and deleted; a new conversation starts afresh", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.ask("Hello");
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.getByText("Hello Amina. What shall we take care of?").waitFor();
    await person.ask("What can you do?");

    await page.getByRole("button", { name: "Conversations" }).click();
    const history = page.getByRole("region", { name: "Conversations" });
    await expect.poll(() => history.getByRole("listitem").count()).toBe(2);
    await person.screenshot("assistant-history");
    expect(await person.accessibilityProblems()).toEqual([]);

    const first = history.getByRole("listitem").last();
    await first.getByRole("button", { name: /^Rename/ }).click();
    await history.getByLabel("Name", { exact: true }).fill("A greeting");
    await history.getByRole("button", { name: "Save" }).click();
    await history.getByText("A greeting").click();
    await expect.poll(() => person.answers.count()).toBe(1);

    await page.getByRole("button", { name: "Conversations" }).click();
    await history.getByRole("button", { name: "Delete “A greeting”" }).click();
    await history.getByRole("button", { name: "Delete", exact: true }).click();
    await expect.poll(() => history.getByRole("listitem").count()).toBe(1);
    await page.getByRole("button", { name: "Back to the conversation" }).first().click();
    await page.getByText("Hello Amina. What shall we take care of?").waitFor();
    await person.leave();
  });

  it("starts anew when the last conversation is gone", async () => {
    const person = await arrive();
    const { page } = person;
    await page.evaluate(async () => {
      const { user } = (await (await fetch("/api/auth/get-session")).json()) as {
        user: { id: string };
      };
      localStorage.setItem(`sidestream.thread.${user.id}`, "thr_gone");
    });
    await page.reload();
    await person.openAssistant();
    await page.getByText("Hello Amina. What shall we take care of?").waitFor();
    const remembered = await page.evaluate(() => Object.keys(localStorage).join());
    expect(remembered).not.toContain("sidestream.thread");
    await person.leave();
  });

  it("takes feedback, and answers again when asked", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.ask("Hello");
    const feedback = page.waitForResponse(
      (response) => response.request().postData()?.includes("items.feedback") ?? false,
    );
    await page.getByRole("button", { name: "Good answer" }).click();
    expect((await feedback).status()).toBe(200);
    await page.getByText("Thank you for telling us.").waitFor();

    const id = () => person.answers.last().getAttribute("data-open");
    await page.getByRole("button", { name: "Answer again" }).click();
    await person.quiet();
    await expect.poll(id).toBe("false");
    expect(await person.answers.count()).toBe(1);
    await person.leave();
  });
});

describe("an answer in the middle", () => {
  it("is taken up again after a refresh, and ends as it would have", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.say(LONG);
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    await page.reload();
    const open = page.locator("[data-item=assistant_message][data-open=true]");
    await open.waitFor();
    const early = (await open.innerText()).length;
    await person.screenshot("assistant-resumed");
    await person.quiet();
    const text = await person.answers.last().locator(".prose").innerText();
    expect(text.length).toBeGreaterThan(early);
    expect(text.split(/\s+/)).toHaveLength(1500);
    await page.reload();
    await person.answers.first().waitFor();
    await expect.poll(() => person.answers.last().locator(".prose").innerText()).toBe(text);
    await person.leave();
  });

  it("is stopped, and what is there is kept", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.say(LONG);
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByTestId("stopped").waitFor();
    await person.screenshot("assistant-stopped");
    const text = await person.answers.last().locator(".prose").innerText();
    expect(text.split(/\s+/).length).toBeLessThan(1500);
    await page.reload();
    await person.answers.first().waitFor();
    const kept = await person.answers.last().locator(".prose").innerText();
    expect(kept).toBe(text);
    const mark = page.locator("[data-incomplete=stopped]");
    await mark.getByText("Stopped here").waitFor();
    await mark.scrollIntoViewIfNeeded();
    await person.screenshot("assistant-incomplete");
    await mark.getByRole("button", { name: "Continue" }).click();
    await person.quiet();
    await expect.poll(() => person.answers.count()).toBe(2);
    await page.getByText("Please go on.").waitFor();
    // Nothing is offered where the conversation has gone on.
    expect(await mark.getByRole("button").count()).toBe(0);
    expect(await person.ask("Hello")).toMatch(/Hello/);
    await person.leave();
  });

  it("is stopped although the request to stop it was lost", async () => {
    const person = await arrive();
    const { page } = person;
    await page.clock.install();
    await person.openAssistant();
    await page.route("**/stop", (route) => route.abort(), { times: 1 });
    await person.say("Tell me a story of 5000 words");
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    const lost = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/stop"));
    await page.getByRole("button", { name: "Stop" }).click();
    await lost;
    await page.clock.fastForward(10_000); // as long as the page waits
    await page.getByTestId("stopped").waitFor();
    const text = await person.answers.last().locator(".prose").innerText();
    expect(text.split(/\s+/).length).toBeLessThan(5000);
    await person.leave();
  });

  it("goes on after the network was cut, without a word lost or said twice", async () => {
    const network = await Network.open();
    const person = await Person.signedUp(browser, web, {
      path: "/tasks?panel=local",
      proxy: network.proxy,
    });
    const { page } = person;
    await person.openAssistant();
    await person.say(LONG);
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    network.cut();
    await page.getByTestId("reconnecting").waitFor();
    await person.screenshot("assistant-reconnecting");
    network.restore();
    await person.quiet();
    const text = await person.answers.last().locator(".prose").innerText();
    expect(text.split(/\s+/)).toHaveLength(1500);
    expect(await person.answers.count()).toBe(1);
    await page.reload();
    await person.answers.first().waitFor();
    await expect.poll(() => person.answers.last().locator(".prose").innerText()).toBe(text);
    await person.leave();
    await network.close();
  });

  it("is sent once, although the line broke before the answer began", async () => {
    const network = await Network.open();
    const person = await Person.signedUp(browser, web, {
      path: "/tasks?panel=local",
      proxy: network.proxy,
    });
    const { page } = person;
    await person.openAssistant();
    network.cutNextAnswer((body) => body.includes("threads.create"));
    expect(await person.ask("Add buy milk")).toMatch(/Added/);
    expect(network.answersCut).toBe(1);
    await expect.poll(() => person.taskTitles.count()).toBe(1);
    expect(await page.locator("[data-item=user_message]").count()).toBe(1);
    await person.leave();
    await network.close();
  });

  it("is not disturbed by a second window, which is told to wait", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.ask("Hello");
    const second = await person.context.newPage();
    await second.goto(`${web}/chatbot?panel=local`);
    await second.locator("[data-phase=idle]").waitFor();
    await second.locator("[data-item=assistant_message]").waitFor();
    await person.say(LONG);
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    await second.locator("#assistant-composer").fill("And me?");
    await second.keyboard.press("Enter");
    await second.getByText("Still answering").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByTestId("stopped").waitFor();
    await second.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => second.locator("[data-item=assistant_message]").count()).toBe(2);
    await person.leave();
  });
});

describe("two people in two browsers", () => {
  it("see nothing of each other", async () => {
    const [amina, bilal] = await Promise.all([
      Person.signedUp(browser, web, { name: "Amina Khan", path: "/tasks?panel=local" }),
      Person.signedUp(browser, web, { name: "Bilal Ahmed", path: "/tasks?panel=local" }),
    ]);
    await Promise.all([amina.openAssistant(), bilal.openAssistant()]);
    await Promise.all([amina.ask("Add amina's secret"), bilal.ask("Add bilal's secret")]);
    await expect.poll(() => amina.taskTitles.allInnerTexts()).toHaveLength(1);
    await expect.poll(() => bilal.taskTitles.allInnerTexts()).toHaveLength(1);
    expect(await amina.page.locator("body").innerText()).not.toContain("bilal's");
    expect(await bilal.page.locator("body").innerText()).not.toContain("amina's");

    // With Amina's conversation as his last one, Bilal still gets none of it.
    const thread = await amina.page.evaluate(
      () => Object.entries(localStorage).find(([key]) => key.includes("thread"))?.[1] as string,
    );
    expect(thread).toMatch(/^thr_/);
    await bilal.page.evaluate((id) => {
      const key = Object.keys(localStorage).find((name) => name.includes("thread"));
      localStorage.setItem(key ?? "", id);
    }, thread);
    await bilal.page.reload();
    await bilal.page.getByText("Hello Bilal. What shall we take care of?").waitFor();
    await Promise.all([amina.leave(), bilal.leave()]);
  });

  it("on one machine, one after the other, see nothing of each other either", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    await person.ask("Add amina's secret");
    await page.getByRole("button", { name: "Signed in as Amina Khan" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
    await person.leave();
  });
});

it("says that the device is offline, and takes it back", async () => {
  const person = await arrive();
  const { page } = person;
  await person.openAssistant();
  await person.ask("Hello");
  await person.context.setOffline(true);
  await page.getByText("You are offline").waitFor();
  await person.say("Are you there?");
  await page.getByRole("button", { name: "Try again" }).nth(1).waitFor();
  await person.screenshot("assistant-offline");
  await person.context.setOffline(false);
  await expect.poll(() => page.getByText("You are offline").count()).toBe(1);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => person.answers.count()).toBe(2);
  await person.quiet();
  expect(await page.locator("[data-item=user_message]").count()).toBe(2);
  await person.leave();
});

describe("tokens", () => {
  it("are replaced without a word when the chat refuses one", async () => {
    const person = await arrive();
    const { page } = person;
    await person.openAssistant();
    let tampered = 0;
    const statuses: number[] = [];
    page.on("response", (response) => {
      if (response.request().postData()?.includes("threads.create")) {
        statuses.push(response.status());
      }
    });
    await page.route("**/api/chatkit", async (route) => {
      const request = route.request();
      if (tampered > 0 || !request.postData()?.includes("threads.create")) return route.continue();
      tampered += 1;
      const headers = { ...request.headers(), "x-sidestream-authorization": "Bearer a.b.c" };
      return route.continue({ headers });
    });
    expect(await person.ask("Hello")).toMatch(/Hello/);
    expect(statuses).toEqual([401, 200]);
    expect(await page.locator("[data-problem]").count()).toBe(0);
    await person.leave();
  });
});
