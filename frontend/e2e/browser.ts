/** Real Chromium, and what a person does in it. */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from "playwright-core";
import { expect } from "vitest";

/** Where pictures go: to the documentation's with `make screenshots`, and else where Git looks away. */
const SCREENSHOTS =
  process.env["SCREENSHOTS"] ?? new URL("./screenshots/", import.meta.url).pathname;

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
];

export function chromiumPath(): string {
  const path = process.env.CHROMIUM;
  if (path) return path;
  throw new Error(
    "CHROMIUM is missing: the path of Chromium or Chrome. `make e2e` finds it and sets it.",
  );
}

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: ARGUMENTS });
}

export class Person {
  readonly messages: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly web: string,
  ) {
    page.on("pageerror", (error) => this.messages.push(String(error)));
    page.setDefaultTimeout(20_000);
  }

  static async arrive(
    browser: Browser,
    web: string,
    options: BrowserContextOptions = {},
  ): Promise<Person> {
    const context = await browser.newContext({
      viewport: DESKTOP,
      locale: "en-GB",
      timezoneId: "Asia/Karachi",
      ...options,
    });
    return new Person(context, await context.newPage(), web);
  }

  /** Come with an account of one's own, signed in, on the tasks page. */
  static async signedUp(
    browser: Browser,
    web: string,
    { name = "Amina Khan", path = "/tasks", ...options }: BrowserContextOptions & SignUp = {},
  ): Promise<Person> {
    const person = await Person.arrive(browser, web, options);
    const response = await person.context.request.post(`${web}/api/auth/sign-up/email`, {
      data: { name, email: newEmail(), password: PASSWORD },
      headers: { origin: web },
    });
    expect(response.status()).toBe(200);
    await person.page.goto(web + path);
    return person;
  }

  async leave(): Promise<void> {
    expect(this.messages).toEqual([]);
    await this.context.close();
  }

  async openAssistant(): Promise<void> {
    await this.page.locator("#assistant-toggle").click();
    await this.composer.waitFor();
  }

  get composer() {
    return this.page.locator("#assistant-composer");
  }

  get panel() {
    return this.page.locator("[data-phase]");
  }

  get answers() {
    return this.page.locator("[data-item=assistant_message]");
  }

  get taskTitles() {
    return this.page.locator("[data-task] p:first-child");
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Wait until nothing is being written. */
  async quiet(): Promise<void> {
    await this.page.locator("[data-phase=idle]").waitFor({ timeout: 45_000 });
  }

  /** Say something and wait for the whole answer. */
  async ask(text: string): Promise<string> {
    const before = await this.answers.count();
    await this.say(text);
    await expect.poll(() => this.answers.count(), { timeout: 20_000 }).toBeGreaterThan(before);
    await this.quiet();
    return this.answers.last().locator(".prose").innerText();
  }

  async addTask(title: string): Promise<void> {
    const input = this.page.locator("form input[name=title]");
    await input.fill(title);
    await input.press("Enter");
    await this.page.locator("[data-task^=tsk_]", { hasText: title }).first().waitFor();
  }

  /** Keep what the page looks like now. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    // Animations run to their end, and the blinking caret stays out of the picture.
    await this.page.screenshot({ path: `${SCREENSHOTS}${name}.png`, animations: "disabled" });
  }

  /** Serious and critical violations of WCAG that axe finds. */
  async accessibilityProblems(): Promise<string[]> {
    const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"));
    await this.page.evaluate(source.toString());
    const violations = await this.page.evaluate(async () => {
      const { axe } = window as unknown as { axe: AxeApi };
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      return (await axe.run(document, { runOnly: tags })).violations;
    });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  }
}

interface SignUp {
  name?: string;
  path?: string;
}

interface AxeApi {
  run: (
    root: Document,
    options: object,
  ) => Promise<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  }>;
}

export const PASSWORD = "correct horse battery";

let count = 0;

export function newEmail(): string {
  return `person-${process.pid}-${Date.now()}-${++count}@example.com`;
}
