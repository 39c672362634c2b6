/** Chromium, by Playwright. */
import { launch } from "../browser";
import type { Engine, Window } from "./engine";

export async function chromium(): Promise<Engine> {
  const browser = await launch();
  return {
    async open(viewport): Promise<Window> {
      const context = await browser.newContext({ viewport });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      return {
        errors,
        goto: async (url) => void (await page.goto(url)),
        reload: async () => void (await page.reload()),
        back: async () => void (await page.goBack()),
        evaluate: (script, ...args) =>
          page.evaluate(`(${String(script)})(...${JSON.stringify(args)})`),
        clickAt: (x, y) => page.mouse.click(x, y),
        type: (text) => page.keyboard.type(text),
        press: (key) => page.keyboard.press(key),
        choose: (selector, path) => page.setInputFiles(selector, path),
        screenshot: async (path) => void (await page.screenshot({ path })),
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}
