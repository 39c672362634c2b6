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

it("are what they are, whatever the browser calls them", async () => {
  const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
  const { page } = person;
  await person.openAssistant();
  await page.getByRole("button", { name: "Attach a file" }).waitFor();
  const input = page.locator("input[type=file]");
  expect((await input.getAttribute("accept"))?.split(",")).toEqual(
    expect.arrayContaining(["text/csv", ".csv", ".md", "image/png"]),
  );
  const words = Buffer.from("milk, bread");
  await input.setInputFiles([
    { name: "shopping.csv", mimeType: "application/vnd.ms-excel", buffer: words },
    { name: "notes.md", mimeType: "", buffer: words },
    { name: "pasted", mimeType: "text/plain;charset=utf-8", buffer: words },
    { name: "film.mp4", mimeType: "video/mp4", buffer: words },
    { name: "nothing.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) },
  ]);
  for (const name of ["shopping.csv", "notes.md", "pasted"]) {
    await page.getByRole("button", { name: `Remove ${name}` }).waitFor();
  }
  await page.getByText("film.mp4 cannot be attached: only images and text files can.").waitFor();
  await page.getByText("nothing.txt is empty.").waitFor();
  await person.ask("Hello, what is in these files?");
  expect(await page.locator("[data-item=user_message]").innerText()).toMatch(
    /shopping\.csv[^]*notes\.md[^]*pasted/,
  );

  await input.setInputFiles(
    [1, 2, 3, 4, 5, 6].map((n) => ({ name: `${n}.txt`, mimeType: "text/plain", buffer: words })),
  );
  await page.getByText("A message may have 5 files at most. The others were left out.").waitFor();
  await page.getByRole("button", { name: "Remove 5.txt" }).waitFor();
  expect(await page.getByRole("button", { name: "Remove 6.txt" }).count()).toBe(0);
  await person.leave();
});
