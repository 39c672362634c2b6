/** Files in a message: announced to the API, uploaded to the bucket, shown with the message. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

it("are attached, sent and kept; too large ones are refused", async () => {
  const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
  const { page } = person;
  await person.openAssistant();
  await page.getByRole("button", { name: "Attach a file" }).waitFor();
  await page.locator("input[type=file]").setInputFiles([
    { name: "big.txt", mimeType: "text/plain", buffer: Buffer.alloc(6_000_000, "a") },
    { name: "shopping.txt", mimeType: "text/plain", buffer: Buffer.from("milk, bread") },
  ]);
  await page.getByText("big.txt is too large.").waitFor();
  await page.getByRole("button", { name: "Remove shopping.txt" }).waitFor();
  await person.screenshot("assistant-attachment");
  expect(await person.accessibilityProblems()).toEqual([]);
  await person.ask("Hello, what is in this file?");
  const message = page.locator("[data-item=user_message]");
  await message.getByText("shopping.txt").waitFor();
  await page.reload();
  await message.getByText("shopping.txt").waitFor();
  await person.leave();
});
