/** How long a person stays signed in, and what the browser keeps of them afterwards. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ARGUMENTS, chromiumPath, launch, newEmail, PASSWORD, Person } from "./browser";
import { sharedSystem } from "./system";

const { web, database_url } = sharedSystem();
const database = new Client({ connectionString: database_url });
let browser: Browser;
beforeAll(async () => {
  await database.connect();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await database.end();
});

async function post(path: string, body: object, cookie = ""): Promise<Response> {
  return fetch(web + path, {
    method: "POST",
    headers: { "content-type": "application/json", origin: web, cookie },
    body: JSON.stringify(body),
    redirect: "manual",
  });
}

function sessionCookie(response: Response): string | undefined {
  return response.headers.getSetCookie().find((cookie) => cookie.includes("session_token="));
}

async function signUp(): Promise<{ email: string; cookie: string }> {
  const email = newEmail();
  const response = await post("/api/auth/sign-up/email", { name: "A", email, password: PASSWORD });
  expect(response.status).toBe(200);
  return { email, cookie: sessionCookie(response)?.split(";")[0] ?? "" };
}

const OF_PERSON = `"userId" = (select id from auth."user" where email = $1)`;

/** Make a session two days old: past the day after which a visit renews it. */
async function age(email: string): Promise<void> {
  const { rowCount } = await database.query(
    `update auth.session set "updatedAt" = now() - interval '2 days',
       "expiresAt" = now() + interval '5 days' where ${OF_PERSON}`,
    [email],
  );
  expect(rowCount).toBe(1);
}

async function daysLeft(email: string): Promise<number> {
  const { rows } = await database.query<{ days: string }>(
    `select extract(epoch from "expiresAt" - now()) / 86400 as days from auth.session where ${OF_PERSON}`,
    [email],
  );
  return Math.round(Number(rows[0]?.days));
}

const RENEWING: Record<string, (cookie: string) => Promise<Response>> = {
  "GET /api/auth/token": (cookie) => fetch(`${web}/api/auth/token`, { headers: { cookie } }),
  "GET /api/auth/get-session": (cookie) =>
    fetch(`${web}/api/auth/get-session`, { headers: { cookie } }),
  "POST /api/chatkit session": (cookie) => post("/api/chatkit", { action: "session" }, cookie),
  "POST /api/chatkit refresh": (cookie) => post("/api/chatkit", { action: "refresh" }, cookie),
};

describe("a session that is old enough to be renewed", () => {
  it.each(Object.entries(RENEWING))("is renewed, cookie and all, by %s", async (_, visit) => {
    const { email, cookie } = await signUp();
    await age(email);
    const response = await visit(cookie);
    expect(response.status).toBe(200);
    expect(sessionCookie(response)).toContain("Max-Age=604800");
    expect(await daysLeft(email)).toBe(7);
  });

  it.each(["/", "/tasks", "/chatbot", "/sign-in", "/sign-up"])(
    "is left for those by %s, where no cookie can be set",
    async (path) => {
      const { email, cookie } = await signUp();
      await age(email);
      const response = await fetch(web + path, { headers: { cookie }, redirect: "manual" });
      expect(response.status).toBeLessThan(400);
      expect(sessionCookie(response)).toBeUndefined();
      expect(await daysLeft(email)).toBe(5);
    },
  );

  it("is renewed in the browser by a visit to the tasks", async () => {
    const person = await Person.arrive(browser, web);
    const email = newEmail();
    await person.context.request.post(`${web}/api/auth/sign-up/email`, {
      data: { name: "A", email, password: PASSWORD },
      headers: { origin: web },
    });
    await age(email);
    const expiry = async () =>
      (await person.context.cookies()).find(({ name }) => name.includes("session_token"))
        ?.expires ?? 0;
    const before = await expiry();
    await person.page.goto(`${web}/tasks`);
    await person.page.getByText("A clear list").waitFor();
    await expect.poll(expiry).toBeGreaterThan(before);
    expect(await daysLeft(email)).toBe(7);
    await person.leave();
  });
});

describe("the page that the browser keeps for Back", () => {
  it("shows nobody's tasks after a sign-out", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await person.addTask("Ask the doctor");
    await page.getByRole("button", { name: "Signed in as Amina Khan" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    await page.goBack({ waitUntil: "commit" });
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    expect(await page.getByText("Ask the doctor").count()).toBe(0);
    await person.leave();
  });

  it("is hidden on the way out, and shown again to the same person alone", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await person.addTask("Ask the doctor");
    await page.getByLabel("Add a task").fill("Half a thought");
    // Chromium keeps no page that a test drives: it is told what it would be told.
    const tell = (name: string) =>
      page.evaluate((type) => {
        dispatchEvent(new PageTransitionEvent(type, { persisted: true }));
      }, name);
    const task = person.taskTitles;
    await tell("pagehide");
    expect(await task.isVisible()).toBe(false);
    await tell("pageshow");
    await task.waitFor();
    expect(await page.getByLabel("Add a task").inputValue()).toBe("Half a thought");

    await tell("pagehide");
    await person.context.clearCookies();
    await tell("pageshow");
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    expect(await task.count()).toBe(0);
    await person.leave();
  });
});

describe("a browser that keeps no cookies", () => {
  it("is told why it cannot sign up or in", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sidestream-cookies."));
    mkdirSync(join(folder, "Default"));
    const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
    writeFileSync(join(folder, "Default", "Preferences"), JSON.stringify(preferences));
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: chromiumPath(),
      args: ARGUMENTS,
      locale: "en-GB",
    });
    try {
      const page = await context.newPage();
      const email = newEmail();
      await page.goto(`${web}/sign-up`);
      await page.getByLabel("Name", { exact: true }).fill("Amina Khan");
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByText("This browser keeps no cookies of this site").waitFor();
      await page.goto(`${web}/sign-in`);
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("This browser keeps no cookies of this site").waitFor();
      expect(page.url()).toBe(`${web}/sign-in`);
    } finally {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
