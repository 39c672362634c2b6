/** The model picker: what is chosen is what the API gets, and the API has the last word. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Health } from "@/features/assistant/bridge/health";
import { launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

it("is there when there is a choice, and its choice goes with the message", async () => {
  const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
  const { page } = person;
  const picker = page.getByRole("combobox", { name: "Model" });
  await person.openAssistant();
  // The clip comes with the API's health, which names the system's only model.
  await page.getByRole("button", { name: "Attach a file" }).waitFor();
  expect(await picker.count()).toBe(0);

  let offered = "";
  await page.route("**/api/chatkit/health", async (route) => {
    const response = await route.fetch();
    const health = (await response.json()) as Health;
    offered = health.model ?? "";
    await route.fulfill({ response, json: { ...health, models: [offered, "withdrawn-model"] } });
  });
  await page.reload();
  await picker.waitFor();
  expect(offered).not.toBe("");
  expect(await picker.getByRole("option").allInnerTexts()).toEqual([offered, "withdrawn-model"]);
  expect(await picker.inputValue()).toBe(offered);
  expect(await person.accessibilityProblems()).toEqual([]);

  const chosen: unknown[] = [];
  page.on("request", (request) => {
    const body = request.postData() ?? "";
    if (body.includes("threads.create")) chosen.push(JSON.parse(body).params.input);
  });
  await picker.selectOption("withdrawn-model");
  await person.say("Add buy milk");
  // The health was not telling the truth: the API does not offer it, and the words come back.
  await page.locator("[data-problem=invalid]").waitFor();
  await expect.poll(() => person.composer.inputValue()).toBe("Add buy milk");
  expect(await person.answers.count()).toBe(0);

  await picker.selectOption(offered);
  expect(await person.ask("Add buy milk")).toMatch(/Added/);
  expect(chosen).toMatchObject([
    { inference_options: { model: "withdrawn-model" } },
    { inference_options: { model: offered } },
  ]);
  await person.leave();
});
