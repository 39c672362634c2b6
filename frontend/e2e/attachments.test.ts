/** Files in a message: announced to the API, uploaded to the bucket, shown with the message. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { OwnSystem, type Endpoints } from "./system";

const BUCKET = "attachments";

let browser: Browser;
let endpoints: Endpoints;
const system = new OwnSystem({ ATTACHMENTS_BUCKET: BUCKET });

beforeAll(async () => {
  browser = await launch();
  endpoints = await system.start();
  const created = await fetch(`${endpoints.aws}/${BUCKET}`, {
    method: "PUT",
    headers: { authorization: CREDENTIAL },
  });
  expect(created.status).toBe(200);
});
afterAll(async () => {
  await browser.close();
  await system.stop();
});

/** The AWS emulator reads the region and service out of it, and checks no signature. */
const CREDENTIAL =
  "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, " +
  "SignedHeaders=host, Signature=none";

it("are attached, sent and kept; too large ones are refused", async () => {
  const person = await Person.signedUp(browser, endpoints.web, { path: "/tasks?panel=local" });
  const { page } = person;
  await person.openAssistant();
  const choose = page.locator("input[type=file]");
  await page.getByRole("button", { name: "Attach a file" }).waitFor();
  await choose.setInputFiles([
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
