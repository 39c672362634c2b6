import { spawnSync } from "node:child_process";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person, PHONE } from "./browser";
import { sharedSystem } from "./system";

const { web, tasks } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

describe("the task list", () => {
  it("is added to, edited, completed, searched, filtered and deleted from", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.getByText("A clear list").waitFor();
    await person.screenshot("tasks-empty");
    expect(await person.accessibilityProblems()).toEqual([]);

    await page.getByRole("button", { name: "Details" }).click();
    await page.getByLabel("Notes").fill("Two litres, and bread if it is fresh");
    const tomorrow = new Date(Date.now() + 24 * 3_600_000);
    const day = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Karachi" }).format(tomorrow);
    await page.getByLabel("Due").fill(day);
    await person.addTask("Buy milk");
    await page.getByText("Due tomorrow").waitFor();
    await page.getByRole("button", { name: "Details" }).click();
    for (const title of ["Call the dentist", "کتابیں واپس کرنی ہیں", "Water the plants"]) {
      await person.addTask(title);
    }
    await page.getByText("4 tasks to do").waitFor();

    await page.getByRole("checkbox", { name: "Mark “Call the dentist” as done" }).click();
    await page.getByText("3 tasks to do").waitFor();

    await page.locator("[data-task]", { hasText: "Water the plants" }).hover();
    await person.screenshot("tasks");
    expect(await person.accessibilityProblems()).toEqual([]);

    await page.getByRole("button", { name: "Edit “Water the plants”" }).click();
    await page.getByLabel("Title").fill("Water all the plants");
    await person.screenshot("tasks-edit");
    expect(await person.accessibilityProblems()).toEqual([]);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Water all the plants").waitFor();
    const edit = page.getByRole("button", { name: "Edit “Water all the plants”" });
    await expect.poll(() => edit.evaluate((node) => node === document.activeElement)).toBe(true);

    await page.getByRole("button", { name: "Done", exact: true }).click();
    await expect.poll(() => person.taskTitles.allInnerTexts()).toEqual(["Call the dentist"]);
    await page.getByRole("button", { name: "To do", exact: true }).click();
    await expect.poll(() => person.taskTitles.count()).toBe(3);
    await page.getByRole("button", { name: "All", exact: true }).click();

    await page.getByLabel("Search tasks").fill("bread");
    await expect.poll(() => person.taskTitles.allInnerTexts()).toEqual(["Buy milk"]);
    await page.getByLabel("Search tasks").fill("nothing like it");
    await page.getByText("No task matches “nothing like it”").waitFor();
    await person.screenshot("tasks-no-match");
    await page.keyboard.press("Escape");
    await expect.poll(() => person.taskTitles.count()).toBe(4);

    await page.getByRole("button", { name: "Delete “Buy milk”" }).click();
    await expect.poll(() => person.taskTitles.count()).toBe(3);
    await page.reload();
    await expect
      .poll(() => person.taskTitles.allInnerTexts())
      .toEqual(["Water all the plants", "کتابیں واپس کرنی ہیں", "Call the dentist"]);
    await person.leave();
  });

  it("shows a change at once and takes it back when it is refused", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await person.addTask("Buy milk");
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/api/*/tasks/*", async (route) => {
      if (route.request().method() === "OPTIONS") return route.continue();
      await held;
      // The API itself refuses it: the body is not one that it takes.
      return route.continue({ postData: '{"title": 7}' });
    });
    const box = page.getByRole("checkbox");
    await box.click();
    await expect.poll(() => box.getAttribute("aria-checked")).toBe("true");
    release();
    await page.getByText("The change to “Buy milk” was not saved.").waitFor();
    expect(await box.getAttribute("aria-checked")).toBe("false");
    await person.screenshot("tasks-rollback");
    await person.leave();
  });

  it("gives a refused addition back to be sent again", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.getByText("A clear list").waitFor();
    await person.context.setOffline(true);
    const input = page.getByLabel("Add a task");
    await input.fill("Buy milk");
    await input.press("Enter");
    await page.getByText("“Buy milk” was not added").waitFor();
    await expect.poll(() => input.inputValue()).toBe("Buy milk");
    await person.context.setOffline(false);
    await person.addTask("Buy milk");
    expect(await person.taskTitles.count()).toBe(1);
    await person.leave();
  });

  it("says so when it cannot be loaded, and loads when it can", async () => {
    const person = await Person.signedUp(browser, web, { path: "/sign-in" });
    const { page } = person;
    await page.route("**/api/*/tasks**", (route) => route.abort("connectionrefused"));
    await page.goto(`${web}/tasks`);
    await page.getByText("Your tasks could not be loaded").waitFor();
    await page.getByText("The server cannot be reached").first().waitFor();
    await person.screenshot("tasks-unreachable");
    expect(await person.accessibilityProblems()).toEqual([]);
    await page.unroute("**/api/*/tasks**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("A clear list").waitFor();
    await person.leave();
  });

  it("is read on where pages overlap or their cursor is gone, and is refreshed as it is shown", async () => {
    const person = await Person.signedUp(browser, web, { path: "/sign-in" });
    const { page } = person;
    const answer = await person.context.request.get(`${web}/api/auth/token`);
    const { token } = (await answer.json()) as { token: string };
    const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    const { sub } = JSON.parse(claims) as { sub: string };
    for (let number = 1; number <= 120; number++) {
      const added = await person.context.request.post(`${tasks}/api/${sub}/tasks`, {
        headers: { authorization: `Bearer ${token}` },
        data: { title: `Task ${number}` },
      });
      expect(added.status()).toBe(201);
    }
    // The second page begins in the first; the third has a cursor that the API does not know.
    const strays: string[] = [];
    await page.route(/\/tasks\?.*after=/, (route) => {
      const url = new URL(route.request().url());
      const stray = strays.shift();
      if (stray) url.searchParams.set("after", stray);
      return route.continue({ url: url.href });
    });
    await page.goto(`${web}/tasks`);
    const count = () => person.taskTitles.count();
    const numbers = async () => new Set(await person.taskTitles.allInnerTexts()).size;
    await expect.poll(count).toBe(50);
    const twentieth = page.locator("[data-task]").nth(19);
    strays.push((await twentieth.getAttribute("data-task")) ?? "", "tsk_gone");
    const more = page.getByRole("button", { name: "Show more" });
    await more.click();
    await expect.poll(count).toBe(70);
    await more.click();
    await expect.poll(count).toBe(100);
    await more.click();
    await expect.poll(count).toBe(120);
    expect(await numbers()).toBe(120);
    expect(strays).toEqual([]);

    // Refreshed, it is as long as it was.
    const refreshed = page.waitForResponse((response) => response.url().includes("after="));
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await refreshed;
    await page.getByText("120 tasks to do").waitFor();
    expect(await count()).toBe(120);
    expect(await numbers()).toBe(120);
    await person.leave();
  });

  it("takes no name with nothing in it to see", async () => {
    const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
    const { page } = person;
    const writes: string[] = [];
    page.on("request", (request) => {
      const body = request.postData() ?? "";
      if (/"title"|threads\.(create|update)/.test(body)) writes.push(body);
    });
    const nothing = "\u200b\u202e \u3164";
    const title = page.locator("form input[name=title]");
    await title.fill(nothing);
    await title.press("Enter");
    await person.addTask("Buy milk");
    expect(writes.splice(0)).toHaveLength(1);
    await page.getByRole("button", { name: "Edit “Buy milk”" }).click();
    await page.getByLabel("Title").fill(nothing);
    await page.getByLabel("Title").press("Enter");
    await page.getByRole("button", { name: "Cancel" }).click();
    await person.openAssistant();
    await person.composer.fill(nothing);
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await person.ask("Hello");
    expect(writes.splice(0)).toHaveLength(1);
    await page.getByRole("button", { name: "Conversations" }).click();
    await page.getByRole("button", { name: /^Rename/ }).click();
    await page.getByLabel("Name", { exact: true }).fill(nothing);
    await page.getByRole("button", { name: "Save" }).last().click();
    await page.getByRole("button", { name: /^Rename/ }).waitFor();
    expect(writes).toEqual([]);
    await person.leave();
  });

  it("is fresh when a person comes back to its window", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.getByText("A clear list").waitFor();
    const other = await person.context.newPage();
    await other.goto(`${web}/tasks`);
    await other.locator("form input[name=title]").fill("Buy milk");
    await other.locator("form input[name=title]").press("Enter");
    await other.locator("[data-task^=tsk_]").waitFor();
    expect(await person.taskTitles.count()).toBe(0);
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect.poll(() => person.taskTitles.allInnerTexts()).toEqual(["Buy milk"]);

    // In two windows side by side, neither is ever hidden.
    await other.getByRole("checkbox").click();
    await other.getByText("All done").waitFor();
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await expect.poll(() => page.getByRole("checkbox").getAttribute("aria-checked")).toBe("true");
    await person.leave();
  });

  it("keeps a change that was made while the list was refreshed", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await person.addTask("Buy milk");
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let read = () => {};
    const wasRead = new Promise<void>((resolve) => (read = resolve));
    await page.route(
      /\/tasks\?/,
      async (route) => {
        const before = await route.fetch();
        read();
        await held;
        await route.fulfill({ response: before });
      },
      { times: 1 },
    );
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await wasRead;
    const box = page.getByRole("checkbox");
    const changed = page.waitForResponse((response) => response.request().method() === "PATCH");
    await box.click();
    await changed;
    const again = page.waitForResponse((response) => /\/tasks\?/.test(response.url()));
    release();
    await again;
    await page.waitForLoadState("networkidle");
    expect(await box.getAttribute("aria-checked")).toBe("true");
    await person.leave();
  });

  it("fits a phone", async () => {
    const person = await Person.signedUp(browser, web, { viewport: PHONE, hasTouch: true });
    const { page } = person;
    await person.addTask("Buy milk");
    await person.addTask("A task with a title so long that it has to break over several lines");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(PHONE.width);
    await person.screenshot("tasks-phone");
    await person.leave();
  });
});

it("serves its scripts under a policy with a nonce, and loads the panel only when it is needed", async () => {
  const person = await Person.arrive(browser, web);
  const { page } = person;
  const response = await page.goto(`${web}/sign-in`);
  expect(response?.headers()["content-security-policy"]).toMatch(/script-src 'self' 'nonce-[^']+'/);
  for (const path of ["/sign-in", "/icon.svg", "/nothing", "/api/auth/get-session"]) {
    const { headers } = await fetch(web + path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{8}/);
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("permissions-policy")).toContain("camera=()");
    if (path.startsWith("/api/")) expect(headers.get("cache-control")).toBe("no-store");
  }
  // Only what is named: no picture or request goes to an address that a text brings.
  const sources = response?.headers()["content-security-policy"]?.split("; ") ?? [];
  for (const name of ["img-src", "connect-src"]) {
    const [policy] = sources.filter((source) => source.startsWith(`${name} `));
    expect(policy?.split(" ")).not.toContain("https:");
    expect(policy).not.toMatch(/ \*( |$)/);
  }
  for (const nearlyAFile of ["/icon.svgs", "/favicon.ico", "/_next/statics"]) {
    const page404 = await fetch(web + nearlyAFile);
    expect(page404.status).toBe(404);
    expect(page404.headers.get("content-security-policy")).toContain("'nonce-");
  }

  const signedIn = await Person.signedUp(browser, web, { path: "/sign-in" });
  const scripts: Promise<string>[] = [];
  signedIn.page.on("response", (loaded) => {
    if (loaded.request().resourceType() === "script") scripts.push(loaded.text().catch(() => ""));
  });
  const hasPanel = async () =>
    (await Promise.all(scripts)).some((source) => source.includes("data-workflow"));
  await signedIn.page.goto(`${web}/tasks`, { waitUntil: "networkidle" });
  expect(scripts.length).toBeGreaterThan(4);
  expect(await hasPanel()).toBe(false);
  await signedIn.openAssistant();
  expect(await hasPanel()).toBe(true);
  await signedIn.leave();
  await person.leave();
});

it("loads less than 200 KB of script before the list works", () => {
  const weighed = spawnSync("node", ["scripts/first-load.mjs"], {
    cwd: new URL("../", import.meta.url).pathname,
    encoding: "utf8",
  });
  expect(weighed.stderr).toBe("");
  expect(weighed.stdout).toMatch(/First load of \/tasks: [\d.]+ KB gzip/);
  expect(weighed.status).toBe(0);
});
