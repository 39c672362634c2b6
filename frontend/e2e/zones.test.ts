/** People in several time zones, one of them on a journey: the browser's own zone, and its clock. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web, chat } = sharedSystem();
const ZONES = ["America/New_York", "Asia/Karachi", "Pacific/Kiritimati"];
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

/** The date of a day from today, as clocks in a zone have it. */
function dayIn(timeZone: string, days: number): string {
  const date = new Date(Date.now() + days * 86_400_000);
  return new Intl.DateTimeFormat("en-CA", { timeZone }).format(date);
}

describe("a time zone", () => {
  it.each(ZONES)("sees the day that was entered, from %s", async (zone) => {
    const person = await Person.signedUp(browser, web, { timezoneId: zone });
    const { page } = person;
    await page.getByRole("button", { name: "Details" }).click();
    await page.getByLabel("Due").fill("2031-01-01");
    await person.addTask("Pay the rent");
    await page.getByRole("button", { name: "Details" }).click();
    const due = page.locator("[data-task] time");
    await due.waitFor();
    expect(await due.innerText()).toBe("Due Jan 1, 2031");
    const storageState = await person.context.storageState();
    for (const elsewhere of ZONES) {
      const traveller = await Person.arrive(browser, web, { timezoneId: elsewhere, storageState });
      await traveller.page.goto(`${web}/tasks`);
      const seen = traveller.page.locator("[data-task] time");
      await seen.waitFor();
      expect(await seen.innerText()).toBe("Due Jan 1, 2031");
      expect(await seen.getAttribute("datetime")).toBe("2031-01-01");
      await traveller.leave();
    }
    await person.leave();
  });

  it.each(ZONES)("is that of the assistant, in %s", async (zone) => {
    const person = await Person.signedUp(browser, web, { timezoneId: zone });
    const { page } = person;
    const zones = new Set<string | undefined>();
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url() === `${chat}/api/chatkit`) {
        zones.add(request.headers()["x-sidestream-time-zone"]);
      }
    });
    await person.openAssistant();
    const before = dayIn(zone, 1);
    await person.ask("Remind me to call mom tomorrow");
    await person.ask("کل دودھ لانا شامل کرو");
    await person.ask("Add a task called Team call, due 2031-01-01 at 17:30");
    const due = (title: string) => page.locator("[data-task]", { hasText: title }).locator("time");
    await due("Team call").waitFor();
    for (const title of ["call mom", "دودھ لانا"]) {
      expect([before, dayIn(zone, 1)]).toContain(await due(title).getAttribute("datetime"));
    }
    expect(await due("call mom").innerText()).toBe("Due tomorrow");
    expect(await due("Team call").innerText()).toMatch(/^Due Jan 1, 2031, 5:30\sPM$/);
    expect([...zones]).toEqual([zone]);
    await person.screenshot(`zone-${zone.replace("/", "-")}`);
    await person.leave();
  });
});
