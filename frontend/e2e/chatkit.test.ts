/**
 * The page around OpenAI's `<ChatKit/>`: a double stands in for the closed component, everything
 * else is real. What it sent and got is checked against ChatKit's own Python models.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions } from "playwright-core";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { Network } from "./network";
import { sharedSystem } from "./system";

const { web, chat } = sharedSystem();
const HERE = new URL("./", import.meta.url).pathname;
const SCRIPT = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

const double = ts
  .transpileModule(readFileSync(`${HERE}double.ts`, "utf8"), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  })
  .outputText.replace(/^export \{\};?$/m, "");

let browser: Browser;
const requests: string[] = [];
const frames: string[] = [];

beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

async function arrive(options: BrowserContextOptions & { path?: string } = {}): Promise<Person> {
  const { path = "/tasks", ...rest } = options;
  const person = await Person.signedUp(browser, web, { ...rest, path: "/sign-in" });
  await person.page.route("https://cdn.platform.openai.com/**", (route) =>
    route.request().url() === SCRIPT
      ? route.fulfill({ contentType: "text/javascript", body: double })
      : route.abort(),
  );
  await person.page.goto(web + path);
  return person;
}

const inside = (person: Person) => person.page.frameLocator("openai-chatkit iframe");

async function open(person: Person): Promise<void> {
  await person.page.locator("#assistant-toggle").click();
  await inside(person).getByLabel("Message").waitFor();
}

async function say(person: Person, text: string): Promise<void> {
  await inside(person).getByLabel("Message").fill(text);
  await inside(person).getByRole("button", { name: "Send" }).click();
}

async function leave(person: Person): Promise<void> {
  const traffic = await person.page.evaluate(() => ({
    requests: window.chatKitTraffic.requests,
    frames: window.chatKitTraffic.frames,
  }));
  requests.push(...traffic.requests);
  frames.push(...traffic.frames);
  await person.leave();
}

describe("the page around ChatKit", () => {
  it("gives it its options, a greeting by name and the theme", async () => {
    const person = await arrive();
    await open(person);
    await inside(person).getByText("Hello Amina.").waitFor();
    const options = await person.page.evaluate(() => {
      const last = window.chatKitTraffic.options.at(-1);
      return last && JSON.parse(JSON.stringify(last));
    });
    expect(options).toMatchObject({
      api: { url: `${chat}/api/chatkit`, domainKey: "domain_pk_localhost" },
      locale: "en",
      frameTitle: "AI Task Assistant",
      theme: { color: { accent: { primary: "#FF6B4A" } } },
      history: { enabled: true, showDelete: true, showRename: true },
      threadItemActions: { feedback: true, retry: true },
      composer: { placeholder: "Ask, or say what to do" },
      header: { rightAction: { icon: "close" } },
    });
    expect(options.startScreen.prompts).toHaveLength(3);
    // Our own panel is neither shown nor loaded.
    expect(await person.composer.count()).toBe(0);
    await leave(person);
  });

  it("carries a conversation, refreshes the list, and brings the conversation back", async () => {
    const person = await arrive();
    const { page } = person;
    await page.getByText("A clear list").waitFor();
    await open(person);
    const authorised: string[] = [];
    page.on("request", (request) => {
      if (request.headers().authorization) authorised.push(new URL(request.url()).origin);
    });
    await say(person, "Add buy milk");
    await inside(person).locator("[data-type=assistant_message]").getByText(/Added/).waitFor();
    await expect.poll(() => person.taskTitles.allInnerTexts()).toHaveLength(1);
    await page.screenshot();
    expect(new Set(authorised).size).toBeGreaterThan(0);
    expect(authorised.filter((origin) => !origin.startsWith("http://127.0.0.1:"))).toEqual([]);
    const traffic = await page.evaluate(() => ({ ...window.chatKitTraffic, options: [] }));
    requests.push(...traffic.requests);
    frames.push(...traffic.frames);

    await page.reload();
    await inside(person).locator("[data-type=assistant_message]").getByText(/Added/).waitFor();
    await leave(person);
  });

  it("goes on where the line broke, and gives ChatKit nothing but events", async () => {
    const network = await Network.open();
    const person = await arrive({ proxy: network.proxy });
    await open(person);
    await say(person, "Tell me a story of 1500 words");
    const answer = inside(person).locator("[data-type=assistant_message]");
    await answer.getByText(/Once upon a time/).waitFor();
    network.fate = "short";
    const resumed = person.page.waitForRequest((request) => request.url().includes("/events?"));
    expect(new URL((await resumed).url()).search).toMatch(/^\?after=[1-9]/);
    network.fate = "whole";
    const words = async () => (await answer.innerText()).split(/\s+/).length;
    await expect.poll(words, { timeout: 45_000 }).toBe(1500);
    await leave(person);
    await network.close();
  });

  it("stops the run for real when ChatKit aborts its request", async () => {
    const person = await arrive();
    const { page } = person;
    await open(person);
    await say(person, "Tell me a story of 1500 words");
    await inside(person)
      .getByText(/Once upon a time/)
      .waitFor();
    const stopped = page.waitForResponse((response) => response.url().endsWith("/stop"));
    await inside(person).getByRole("button", { name: "Stop" }).click();
    expect((await stopped).status()).toBe(202);
    const thread = (await stopped).url().split("/").at(-2);
    const person2 = await person.context.newPage();
    await person2.goto(`${web}/chatbot?panel=local`);
    await person2.locator("[data-phase=idle]").waitFor();
    const words = await person2.locator("[data-item=assistant_message] .prose").innerText();
    expect(thread).toMatch(/^thr_/);
    expect(words.split(/\s+/).length).toBeLessThan(1500);
    await leave(person);
  });

  it("moves the focus into the frame and closes from within it", async () => {
    const person = await arrive();
    const { page } = person;
    await open(person);
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("IFRAME");
    await inside(person).getByRole("button", { name: "close" }).click();
    await expect.poll(() => page.locator("#assistant").isVisible()).toBe(false);
    await leave(person);
  });

  it("follows the language", async () => {
    const person = await arrive();
    const { page } = person;
    await open(person);
    await page.getByRole("button", { name: "اردو" }).click();
    await inside(person).getByText("السلام علیکم").waitFor();
    expect(await page.evaluate(() => window.chatKitTraffic.options.at(-1)?.locale)).toBe("ur");
    await leave(person);
  });

  it("has no close button on the full page", async () => {
    const person = await arrive({ path: "/chatbot" });
    await inside(person).getByLabel("Message").waitFor();
    expect(await inside(person).getByRole("button", { name: "close" }).count()).toBe(0);
    await leave(person);
  });

  it("says so when OpenAI refuses the domain key, and goes on with our own panel", async () => {
    const person = await arrive();
    const { page } = person;
    await open(person);
    await page.evaluate(() => {
      document.querySelector("openai-chatkit")?.dispatchEvent(
        new CustomEvent("chatkit.error", {
          detail: { error: new Error("Domain verification failed for localhost") },
        }),
      );
    });
    await page.getByText("OpenAI does not know this address").waitFor();
    await person.composer.waitFor();
    await person.screenshot("help-domain-key");
    await leave(person);
  });
});

it("spoke ChatKit's protocol, by ChatKit's own models", () => {
  expect(requests.length).toBeGreaterThanOrEqual(3);
  expect(frames.length).toBeGreaterThan(10);
  const check = spawnSync("../.venv/bin/python", [`${HERE}check_protocol.py`], {
    input: JSON.stringify({ requests, frames }),
    encoding: "utf8",
    cwd: new URL("../", import.meta.url).pathname,
  });
  expect(check.stderr).toBe("");
  expect(JSON.parse(check.stdout)).toEqual({ requests: requests.length, frames: frames.length });
});
