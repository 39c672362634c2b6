/** Firefox, by Puppeteer over WebDriver BiDi, which Firefox speaks itself: no geckodriver. */
import puppeteer, { type ElementHandle } from "puppeteer-core";
import type { Engine, Window } from "./engine";
import { Home } from "./home";

export async function firefox(executablePath: string): Promise<Engine> {
  const home = new Home();
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, env: home.env });
  return {
    async open(viewport): Promise<Window> {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport(viewport);
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      return {
        errors,
        goto: async (url) => void (await page.goto(url)),
        reload: async () => void (await page.reload()),
        back: async () => void (await page.goBack()),
        evaluate: <Result>(script: unknown, ...args: unknown[]) =>
          page.evaluate(`(${String(script)})(...${JSON.stringify(args)})`) as Promise<
            Awaited<Result>
          >,
        clickAt: (x, y) => page.mouse.click(x, y),
        type: (text) => page.keyboard.type(text),
        press: (key) => page.keyboard.press(key),
        async choose(selector, path) {
          const input = (await page.$(selector)) as ElementHandle<HTMLInputElement>;
          await input.uploadFile(path);
        },
        screenshot: async (path) => void (await page.screenshot({ path })),
        close: () => context.close(),
      };
    },
    async close() {
      await browser.close();
      home.remove();
    },
  };
}
