/** Input methods, as Chinese, Japanese and Korean are written with: their keys are theirs. */
import type { Browser, CDPSession } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

/** Press a key as Safari reports the one that ends a word: no longer composing, key code 229. */
async function endWord(keyboard: CDPSession, key: "Enter" | "Escape"): Promise<void> {
  const text = key === "Enter" ? "\r" : undefined;
  const what = { key, code: key, windowsVirtualKeyCode: 229 };
  await keyboard.send("Input.dispatchKeyEvent", { type: "keyDown", ...what, text });
  await keyboard.send("Input.dispatchKeyEvent", { type: "keyUp", ...what });
}

it("the key that ends a word sends nothing and closes nothing", async () => {
  const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
  const { page } = person;
  const keyboard = await person.context.newCDPSession(page);
  const writes: string[] = [];
  page.on("request", (request) => {
    const body = request.postData() ?? "";
    if (request.method() === "PATCH" || /threads\.(create|add|update)/.test(body))
      writes.push(body);
    if (request.method() === "POST" && request.url().endsWith("/tasks")) writes.push(body);
  });

  // A new task.
  const title = page.locator("form input[name=title]");
  await title.fill("買い物");
  await endWord(keyboard, "Enter");
  expect(await title.inputValue()).toBe("買い物");
  await title.press("Enter");
  await page.locator("[data-task^=tsk_]").waitFor();
  expect(writes.splice(0)).toHaveLength(1);

  // A task's title.
  await page.getByRole("button", { name: "Edit “買い物”" }).click();
  await page.getByLabel("Title").fill("買い物リスト");
  await endWord(keyboard, "Enter");
  await endWord(keyboard, "Escape");
  expect(await page.getByLabel("Title").inputValue()).toBe("買い物リスト");
  await page.getByLabel("Title").press("Enter");
  await page.getByText("買い物リスト").waitFor();
  expect(writes.splice(0)).toHaveLength(1);

  // A message.
  await person.openAssistant();
  await person.composer.fill("こんにちは");
  await endWord(keyboard, "Enter");
  await endWord(keyboard, "Escape");
  expect(await person.composer.inputValue()).toBe("こんにちは");
  await person.ask("こんにちは");
  expect(writes.splice(0)).toHaveLength(1);

  // A conversation's name.
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByRole("button", { name: /^Rename/ }).click();
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("挨拶");
  await endWord(keyboard, "Enter");
  await endWord(keyboard, "Escape");
  expect(await name.inputValue()).toBe("挨拶");
  expect(writes).toEqual([]);
  await name.press("Enter");
  await page.getByText("挨拶").waitFor();
  await person.leave();
});
