// @ts-check
/**
 * What it costs to tick a row off, in milliseconds of the page's own work (handler, drawing, layout),
 * on lists of some lengths. Prints JSON: `{"50": 3.1, "500": 3.3}`.
 *
 *     node scripts/row-tick.mjs <page> <tasks> <chromium> <rounds> <length>...
 */
import { chromium } from "playwright-core";

const [web = "", tasks = "", executablePath, rounds, ...lengths] = process.argv.slice(2);
const PAGE = 50;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

/** @param {number} length */
async function opened(length) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const email = `rows-${length}-${Date.now()}@example.com`;
  const signUp = await context.request.post(`${web}/api/auth/sign-up/email`, {
    data: { name: "Rows", email, password: "a long enough password" },
    headers: { origin: web },
  });
  const { user } = await signUp.json();
  const { token } = await (await context.request.get(`${web}/api/auth/token`)).json();
  for (let number = 0; number < length; number++) {
    const added = await fetch(`${tasks}/api/${user.id}/tasks`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ title: `Buy milk ${number}`, notes: "and bread" }),
    });
    if (!added.ok) throw new Error(await added.text());
  }
  const page = await context.newPage();
  await page.goto(`${web}/tasks`);
  const rows = page.locator("[data-task]");
  for (let shown = PAGE; shown < length; shown += PAGE) {
    await rows.nth(shown - 1).waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Show more" }).click();
  }
  await rows.nth(length - 1).waitFor({ state: "attached" });
  await page.evaluate(() => window.scrollTo(0, 0));
  return page;
}

/** @param {import("playwright-core").Page} page */
const tick = (page) =>
  page.evaluate(async () => {
    const box = /** @type {HTMLElement} */ (
      document.querySelector('[data-task] [role="checkbox"]')
    );
    const began = performance.now();
    box.click();
    await Promise.resolve();
    document.body.getBoundingClientRect();
    const took = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, 150));
    return took;
  });

const pages = await Promise.all(lengths.map((length) => opened(Number(length))));
/** @type {number[][]} */
const times = pages.map(() => []);
for (let round = -5; round < Number(rounds); round++) {
  for (const [index, page] of pages.entries()) {
    const took = await tick(page);
    if (round >= 0) times[index]?.push(took);
  }
}
const quartiles = times.map((each) => each.sort((a, b) => a - b)[Math.floor(each.length / 4)]);
console.log(JSON.stringify(Object.fromEntries(lengths.map((each, n) => [each, quartiles[n]]))));
await browser.close();
