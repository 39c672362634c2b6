import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, newEmail, PASSWORD, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

describe("an account", () => {
  it("is made, left and come back to", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const email = newEmail();

    await page.goto(`${web}/chatbot`);
    await page.waitForURL("**/sign-in?next=%2Fchatbot");
    await person.screenshot("sign-in");
    expect(await person.accessibilityProblems()).toEqual([]);

    await page.getByRole("link", { name: "Create an account" }).click();
    await page.waitForURL("**/sign-up**");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText("Please tell us your name.").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("name");
    await person.screenshot("sign-up-errors");

    await page.getByLabel("Name", { exact: true }).fill("Amina Khan");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.waitForURL("**/chatbot");
    await page.getByRole("heading", { name: "AI Task Assistant" }).waitFor();

    const cookies = await person.context.cookies();
    expect(cookies.find(({ name }) => name.includes("session_token"))).toMatchObject({
      httpOnly: true,
      sameSite: "Lax",
    });
    const stored = await page.evaluate(() =>
      JSON.stringify({ ...localStorage, ...sessionStorage }),
    );
    expect(stored).not.toMatch(/eyJ/);

    await page.getByRole("button", { name: "Signed in as Amina Khan" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");

    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("This e-mail and password do not belong together.").waitFor();
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/tasks");
    await person.leave();
  });

  it("is not made twice with one e-mail", async () => {
    const person = await Person.arrive(browser, web);
    const { page } = person;
    const email = newEmail();
    const data = { name: "A", email, password: PASSWORD };
    await person.context.request.post(`${web}/api/auth/sign-up/email`, {
      data,
      headers: { origin: web },
    });
    await person.context.clearCookies();
    await page.goto(`${web}/sign-up`);
    await page.getByLabel("Name", { exact: true }).fill("A");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText("There is already an account with this e-mail.").waitFor();
    await person.leave();
  });

  it("whose session ends on the server leads back to sign-in, and then to where it was", async () => {
    const person = await Person.signedUp(browser, web);
    const { page } = person;
    await page.getByText("A clear list").waitFor();
    await person.context.clearCookies();
    // What the page holds in memory runs out: a reload of the page would ask the server anyway.
    await page.route("**/api/*/tasks**", async (route) => {
      const headers = {
        ...route.request().headers(),
        "x-sidestream-authorization": "Bearer expired",
      };
      await route.continue({ headers });
    });
    await page.getByRole("button", { name: "To do" }).click();
    await page.waitForURL("**/sign-in?expired=1&next=%2Ftasks");
    await page.getByText("Your session has ended").waitFor();
    await person.screenshot("session-ended");
    await person.leave();
  });
});

it("gives its JWT no more than it needs", async () => {
  const person = await Person.signedUp(browser, web);
  const response = await person.context.request.get(`${web}/api/auth/token`);
  const { token } = (await response.json()) as { token: string };
  const payload = JSON.parse(
    Buffer.from(token.split(".")[1] ?? "", "base64url").toString(),
  ) as Record<string, unknown>;
  expect(Object.keys(payload).toSorted()).toEqual(["aud", "exp", "iat", "iss", "name", "sub"]);
  expect(Number(payload.exp) - Number(payload.iat)).toBe(900);
  await person.leave();
});
