/** What is typed into a form reaches its server, or waits; it never becomes part of an address. */
import { readdirSync, readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Thread, ThreadItem } from "@/features/assistant/bridge/protocol";
import { launch, newEmail, PASSWORD, Person } from "./browser";
import { serverLog, sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

const SCRIPTS = "**/_next/static/**/*.js";
const TYPED = "typed-and-secret";

/** Every address that the page has, asks for, or names as the one it comes from. */
function addresses(page: Page): string[] {
  const seen: string[] = [];
  page.on("framenavigated", (frame) => seen.push(frame.url()));
  page.on("request", (request) => seen.push(request.url(), request.headers().referer ?? ""));
  return seen;
}

function expectNothingTyped(seen: string[], typed: string[] = [TYPED]) {
  expect(seen.length).toBeGreaterThan(0);
  for (const text of typed) {
    const encoded = [
      encodeURIComponent(text),
      new URLSearchParams({ a: text }).toString().slice(2),
    ];
    expect(seen.filter((url) => encoded.some((form) => url.includes(form)))).toEqual([]);
  }
}

/** Hold every script back until told otherwise, as a line does that is too slow. */
async function holdScripts(page: Page): Promise<() => void> {
  let open = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  await page.route(SCRIPTS, async (route) => {
    await gate;
    await route.continue();
  });
  return open;
}

/** Open a page as far as it can be seen: nobody types before that. */
async function see(page: Page, path: string) {
  await page.goto(web + path, { waitUntil: "commit" });
  await page.waitForFunction(() => performance.getEntriesByType("paint").length > 0);
}

async function fillIn(page: Page, email: string, password = PASSWORD) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
}

describe("a form that is sent before its scripts have come", () => {
  it("makes the account when they are there, with what was typed", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const seen = addresses(page);
    const email = newEmail();
    const open = await holdScripts(page);
    await see(page, "/sign-up");
    await page.getByLabel("Name", { exact: true }).fill("Amina Khan");
    await fillIn(page, email);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Create account" }).click();
    expect(page.url()).toBe(`${web}/sign-up`);
    expect(await page.getByLabel("E-mail").inputValue()).toBe(email);
    open();
    await page.waitForURL("**/tasks");
    await page.getByRole("button", { name: "Signed in as Amina Khan" }).waitFor();
    expectNothingTyped(seen, [email, PASSWORD]);
    await person.leave();
  });

  it("keeps what was typed and not yet sent", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const open = await holdScripts(page);
    await see(page, "/sign-in");
    await fillIn(page, "amina@example.com");
    open();
    await page.waitForLoadState("networkidle");
    // The eye answers: the form is alive.
    await page.getByRole("button", { name: "Show password" }).click();
    await page.getByRole("button", { name: "Hide password" }).waitFor();
    expect(await page.getByLabel("E-mail").inputValue()).toBe("amina@example.com");
    expect(await page.getByLabel("Password", { exact: true }).inputValue()).toBe(PASSWORD);
    await person.leave();
  });

  it("keeps what it holds when it is refused", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const open = await holdScripts(page);
    await see(page, "/sign-in");
    const email = newEmail();
    await fillIn(page, email);
    await page.keyboard.press("Enter");
    open();
    await page.getByText("This e-mail and password do not belong together.").waitFor();
    expect(await page.getByLabel("E-mail").inputValue()).toBe(email);
    expect(await page.getByLabel("Password", { exact: true }).inputValue()).toBe(PASSWORD);
    await person.leave();
  });

  it("adds the task, and looks for what was typed into the search", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await person.addTask("Buy bread");
    const open = await holdScripts(page);
    await see(page, "/tasks");
    await page.getByLabel("Search tasks").fill("milk");
    await page.getByLabel("Add a task").fill("Buy milk");
    await page.keyboard.press("Enter");
    open();
    await page.locator("[data-task^=tsk_]", { hasText: "Buy milk" }).waitFor();
    await page.getByText("Buy bread").waitFor({ state: "detached" });
    expect(await page.getByLabel("Search tasks").inputValue()).toBe("milk");
    await expect.poll(() => page.getByLabel("Add a task").inputValue()).toBe("");
    expect(page.url()).toBe(`${web}/tasks`);
    await person.leave();
  });

  it("signs in over a line of 50 KB a second", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const email = newEmail();
    await person.context.request.post(`${web}/api/auth/sign-up/email`, {
      data: { name: "Amina Khan", email, password: PASSWORD },
      headers: { origin: web },
    });
    await person.context.clearCookies();
    const seen = addresses(page);
    const line = await person.context.newCDPSession(page);
    await line.send("Network.enable");
    await line.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 400,
      downloadThroughput: 50_000,
      uploadThroughput: 50_000,
    });
    await see(page, "/sign-in");
    await fillIn(page, email);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/tasks", { timeout: 50_000, waitUntil: "commit" });
    expectNothingTyped(seen, [email, PASSWORD]);
    await person.leave();
  });
});

const BROKEN: Record<
  string,
  { options?: BrowserContextOptions; prepare?: (page: Page) => unknown }
> = {
  "no script may run": { options: { javaScriptEnabled: false } },
  "no script arrives": { prepare: (page) => page.route(SCRIPTS, (route) => route.abort()) },
  "every script throws": {
    prepare: (page) =>
      page.route(SCRIPTS, (route) =>
        route.fulfill({ contentType: "text/javascript", body: "throw new Error('broken')" }),
      ),
  },
};

describe.each(Object.entries(BROKEN))("where %s", (_, { options, prepare }) => {
  it.each(["/sign-in", "/sign-up", "/tasks"])("%s cannot be sent into an address", async (path) => {
    const person = await Person.arrive(browser, web, options);
    const { page, context } = person;
    if (path === "/tasks") {
      const data = { name: "A", email: newEmail(), password: PASSWORD };
      const headers = { origin: web };
      await context.request.post(`${web}/api/auth/sign-up/email`, { data, headers });
    }
    await prepare?.(page);
    const seen = addresses(page);
    await page.goto(web + path);
    // A sentence stands in the place of the page, whose form is tried all the same.
    await page.evaluate(() => {
      const style = document.createElement("style");
      style.textContent = "body:not(#a):not(#b) > * { display: block !important }";
      document.head.append(style);
    });
    const form = page.locator("form");
    for (const field of await form.locator("input:visible").all()) await field.fill(TYPED);
    await form.locator("input").first().press("Enter");
    await form.locator("[type=submit]").click();
    await form.evaluate((node) => HTMLFormElement.prototype.submit.call(node));
    await page.waitForTimeout(300);
    expect(page.url()).toBe(web + path);
    expectNothingTyped(seen);
    await context.close();
  });
});

/** A conversation in which every kind of form stands that the assistant can show. */
async function withEveryForm(person: Person) {
  const { page } = person;
  const input = { type: "Input", name: "word" };
  const forms = (listed: ThreadItem): ThreadItem[] => [
    { ...listed, type: "widget", widget: { type: "Card", asForm: true, children: [input] } },
    {
      ...listed,
      id: "widget_2",
      type: "widget",
      widget: { type: "Card", children: [{ type: "Form", children: [input] }] },
    },
    {
      ...listed,
      id: "questions_1",
      type: "structured_input",
      status: "pending",
      inputs: [{ id: "q", question: "Which?", multiple: false, options: null }],
    } as unknown as ThreadItem,
  ];
  await page.route("**/api/chatkit", async (route) => {
    if (!route.request().postData()?.includes("threads.get_by_id")) return route.continue();
    const response = await route.fetch();
    const thread = (await response.json()) as Thread;
    const data = thread.items.data.flatMap((item) =>
      item.type === "widget" ? forms(item) : [item],
    );
    await route.fulfill({ response, json: { ...thread, items: { ...thread.items, data } } });
  });
  await page.reload();
  await page.getByText("Which?").waitFor();
}

/** Fill in every form that is shown, and send each in the way that asks no script. */
async function sendAll(page: Page): Promise<number> {
  return page.locator("form").evaluateAll((forms, text) => {
    for (const form of forms as HTMLFormElement[]) {
      for (const field of form.elements) {
        if (field instanceof HTMLInputElement && /^(text|email|password)$/.test(field.type)) {
          field.value = text;
        }
        if (field instanceof HTMLTextAreaElement) field.value = text;
        // A field without a name stays out of an address by accident alone.
        if ("name" in field) field.name ||= "field";
      }
      form.submit();
    }
    return forms.length;
  }, TYPED);
}

describe("every form of the page", () => {
  it("stays where it is when something sends it that knows nothing of it", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const seen = addresses(page);
    const counts: Record<string, number> = {};
    async function station(...sources: string[]) {
      const before = page.url();
      const sent = await sendAll(page);
      await page.waitForTimeout(300);
      expect(page.url()).toBe(before);
      expect(sent).toBe(sources.length);
      for (const source of sources) counts[source] = (counts[source] ?? 0) + 1;
    }

    for (const path of ["/sign-in", "/sign-up"]) {
      await page.goto(web + path, { waitUntil: "networkidle" });
      await station("SignForm.tsx");
    }
    await person.context.request.post(`${web}/api/auth/sign-up/email`, {
      data: { name: "A", email: newEmail(), password: PASSWORD },
      headers: { origin: web },
    });
    await page.goto(`${web}/tasks?panel=local`);
    await person.addTask("Buy milk");
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("button", { name: "Save" }).waitFor();
    await station("AddTask.tsx", "TaskRow.tsx");
    await page.keyboard.press("Escape");
    await person.openAssistant();
    await person.ask("Show my tasks");
    await withEveryForm(person);
    await station(
      "AddTask.tsx",
      "panel/widget/Card.tsx",
      "panel/widget/Widget.tsx",
      "panel/StructuredInputCard.tsx",
      "panel/Composer.tsx",
    );
    await page.getByRole("button", { name: "Conversations" }).click();
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("button", { name: "Save" }).waitFor();
    await station("AddTask.tsx", "panel/History.tsx");

    expectNothingTyped(seen);
    // A form that is new has a station here.
    const names = Object.keys(counts).map((path) => path.split("/").at(-1));
    expect(names.toSorted()).toEqual(sourcesWithForms());
    await person.leave();
  });
});

function sourcesWithForms(): string[] {
  const folder = new URL("../src/", import.meta.url);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "Form.tsx")
    .filter((entry) => /<[Ff]orm\b/.test(readFileSync(`${entry.parentPath}/${entry.name}`, "utf8")))
    .map(({ name }) => name)
    .toSorted();
}

describe("an address that holds a secret", () => {
  it.each([
    ["/sign-in?email=a%40b.c&password=SECRET", "/sign-in"],
    ["/sign-up?next=%2Ftasks&PassWord=SECRET", "/sign-up"],
    ["/sign-in?next=%2Ftasks%3Fpassword%3DSECRET", "/sign-in"],
    ["/tasks?pass%77d=SECRET", "/tasks"],
    ["/nowhere?client_secret=SECRET", "/nowhere"],
    ["/icon.svgs?password=SECRET", "/icon.svgs"],
    ["/favicon.ico?password=SECRET", "/favicon.ico"],
    ["/api/auth/sign-in/email?password=SECRET", "/api/auth/sign-in/email"],
    ["/%2F%2Felsewhere.example?token=SECRET", "/%2F%2Felsewhere.example"],
  ])("%s leads to the clean one, and into no log", async (path, clean) => {
    const secret = `secret-${crypto.randomUUID()}`;
    const response = await fetch(web + path.replace("SECRET", secret), { redirect: "manual" });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe(clean);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).not.toContain(secret);
    expect(serverLog()).toContain("Ready");
    expect(serverLog()).not.toContain(secret);
  });

  it("is the only one that is changed", async () => {
    for (const path of ["/sign-in?next=%2Fchatbot", "/sign-in?expired=1&next=%2Ftasks"]) {
      expect((await fetch(web + path, { redirect: "manual" })).status).toBe(200);
    }
  });

  it("is named to nobody as the one where a person comes from", async () => {
    const response = await fetch(`${web}/sign-in`);
    expect(response.headers.get("referrer-policy")).toBe("strict-origin");
  });
});
