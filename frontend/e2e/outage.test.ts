/** When parts of the system are down: what the page says, and how it comes back. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { OwnSystem, type Endpoints } from "./system";

let browser: Browser;
let endpoints: Endpoints;
const system = new OwnSystem();

beforeAll(async () => {
  browser = await launch();
  endpoints = await system.start();
});
afterAll(async () => {
  await browser.close();
  await system.stop();
});

describe("an outage", () => {
  it("of everything is named, and over when the system is back", async () => {
    const person = await Person.signedUp(browser, endpoints.web, { path: "/tasks?panel=local" });
    const { page } = person;
    await person.openAssistant();
    await person.ask("Add buy milk");

    await system.kill();
    await person.say("Add bread");
    await page.locator("[data-problem=unreachable]").first().waitFor();
    await person.screenshot("help-backend-down");
    expect(await person.accessibilityProblems()).toEqual([]);

    endpoints = await system.start();
    await page
      .locator("[role=log] [data-problem]")
      .getByRole("button", { name: "Try again" })
      .click();
    await expect.poll(() => person.answers.count(), { timeout: 20_000 }).toBe(2);
    await person.quiet();
    await expect.poll(() => person.taskTitles.allInnerTexts()).toHaveLength(2);
    await page
      .locator("#assistant > div [data-problem]")
      .first()
      .getByRole("button", { name: "Try again" })
      .click()
      .catch(() => {});
    await expect.poll(() => page.locator("[data-problem]").count()).toBe(0);
    await person.leave();
  });

  it("in mid-answer ends with the question whether to try again", async () => {
    const person = await Person.signedUp(browser, endpoints.web, { path: "/tasks?panel=local" });
    const { page } = person;
    await person.openAssistant();
    await person.say("Tell me a story of 3000 words");
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    await system.kill();
    await page.getByTestId("reconnecting").waitFor();
    endpoints = await system.start();
    // The run died with its server; its lease says so, and the page shows what was saved.
    await person.quiet();
    const error = page.getByTestId("run-error");
    await error.getByText("This answer was interrupted").waitFor();
    expect(await page.locator("[data-item=user_message]").count()).toBe(1);
    await person.screenshot("assistant-interrupted");
    await error.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => error.count()).toBe(0);
    await page.locator("[data-item=assistant_message][data-open=true] p").first().waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByTestId("stopped").waitFor();
    expect(await person.answers.count()).toBe(1);
    await person.leave();
  });

  it("of the database is named as that", async () => {
    const person = await Person.signedUp(browser, endpoints.web, { path: "/tasks?panel=local" });
    const { page } = person;
    await person.openAssistant();
    await person.ask("Hello");
    await system.killDatabase(endpoints);
    await person.say("Add bread");
    await page.locator("#assistant [data-problem=database]").first().waitFor({ timeout: 30_000 });
    await person.screenshot("help-database-down");
    await page.reload();
    await page.getByRole("heading", { name: "The database cannot be reached" }).waitFor();
    await person.screenshot("help-database-down-page");
    expect(await person.accessibilityProblems()).toEqual([]);

    await system.kill();
    endpoints = await system.start();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { level: 1, name: "Tasks" }).waitFor();
    await person.leave();
  });

  it("by a missing API key is named as that", async () => {
    const person = await Person.signedUp(browser, endpoints.web, { path: "/sign-in" });
    const { page } = person;
    // The scripted model needs no key of the person's; the health of a system without one says so.
    await page.route("**/api/chatkit/health", async (route) => {
      const response = await route.fetch();
      const health = (await response.json()) as object;
      await route.fulfill({
        response,
        json: { ...health, status: "degraded", api_key: "missing" },
      });
    });
    await page.goto(`${endpoints.web}/tasks?panel=local`);
    await person.openAssistant();
    await page.getByText("No OpenAI API key").waitFor();
    await person.screenshot("help-no-api-key");
    await page.unroute("**/api/chatkit/health");
    await page.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => page.getByText("No OpenAI API key").count()).toBe(0);
    await person.leave();
  });
});
