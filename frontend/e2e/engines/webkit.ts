/** WebKitGTK, which is Safari's engine: MiniBrowser by WebDriver, on a screen that nobody sees. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { Builder, By, Capabilities, Key as Keys, type WebDriver } from "selenium-webdriver";
import { freePort } from "../system";
import type { Engine, Size, Window } from "./engine";
import { Home } from "./home";

export async function webkit(executablePath: string): Promise<Engine> {
  const stations: Station[] = [];
  return {
    async open(size) {
      const station = await Station.open(size);
      stations.push(station);
      return station.openWindow(executablePath);
    },
    async close() {
      for (const station of stations) await station.close();
    },
  };
}

/**
 * A screen and a driver for one window, as large as the screen: where nobody manages windows, the
 * one under the pointer has the focus.
 */
class Station {
  private readonly home = new Home();
  private server: ChildProcess | undefined;

  private constructor(
    private readonly screen: ChildProcess,
    private readonly display: string,
    private readonly size: Size,
  ) {}

  static async open(size: Size): Promise<Station> {
    // Xvfb takes a display number that is free, and says which by the descriptor 3.
    const geometry = `${size.width}x${size.height}x24`;
    const options = ["-displayfd", "3", "-screen", "0", geometry, "-nolisten", "tcp"];
    const screen = spawn("Xvfb", options, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const ended = once(screen, "exit").then(() => Promise.reject(new Error("Xvfb has ended.")));
    const told = once(screen.stdio[3] as Readable, "data") as Promise<[Buffer]>;
    const [number] = await Promise.race([told, ended]);
    return new Station(screen, `:${number.toString().trim()}`, size);
  }

  async openWindow(executablePath: string): Promise<Window> {
    const port = await freePort();
    this.server = spawn(executablePath, ["--host=127.0.0.1", `--port=${port}`], {
      stdio: "ignore",
      env: {
        ...this.home.env,
        DISPLAY: this.display,
        GDK_BACKEND: "x11",
        // Its buffers come from a graphics card; without one it draws a tenth of the frames.
        WEBKIT_DISABLE_DMABUF_RENDERER: "1",
      },
    });
    const url = `http://127.0.0.1:${port}`;
    await answers(url, this.server);
    // With its toolbar the window cannot be narrower than 447 pixels.
    const options = { args: ["--automation", "--full-screen"] };
    const capabilities = { browserName: "MiniBrowser", "webkitgtk:browserOptions": options };
    const driver = await new Builder()
      .usingServer(url)
      .withCapabilities(new Capabilities(capabilities))
      .build();
    return drive(driver, this.size, () => this.close());
  }

  /** The browser ends with its screen, if it has not ended before. */
  async close(): Promise<void> {
    if (this.server) await end(this.server);
    await end(this.screen);
    this.home.remove();
  }
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error("WebKitWebDriver did not start.");
    if (await fetch(`${url}/status`).catch(() => null)) return;
    await pause(20);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

async function drive(driver: WebDriver, size: Size, leave: () => Promise<void>): Promise<Window> {
  const evaluate: Window["evaluate"] = (script, ...args) =>
    driver.executeScript(`return (${String(script)})(...arguments)`, ...args);
  await resize(driver, evaluate, size);
  return {
    errors: [],
    evaluate,
    goto: (address) => driver.get(address),
    reload: () => driver.navigate().refresh(),
    back: () => driver.navigate().back(),
    clickAt: (x, y) =>
      driver
        .actions()
        .move({ x: Math.round(x), y: Math.round(y), duration: 0 })
        .click()
        .perform(),
    type: (text) => driver.actions().sendKeys(text).perform(),
    press: (key) => driver.actions().sendKeys(KEYS[key]).perform(),
    choose: (selector, path) => driver.findElement(By.css(selector)).sendKeys(path),
    async screenshot(path) {
      // The driver waits for the next frame, and where nothing changes there is none.
      await evaluate(() => {
        const faint = [{ opacity: 0.999 }, { opacity: 1 }];
        document.documentElement.animate(faint, { id: "frames", duration: 100, iterations: 1e9 });
      });
      await writeFile(path, await driver.takeScreenshot(), "base64");
      await evaluate(() => {
        for (const one of document.getAnimations()) if (one.id === "frames") one.cancel();
      });
    },
    async close() {
      await driver.quit();
      await leave();
    },
  };
}

const KEYS = { Enter: Keys.ENTER, Escape: Keys.ESCAPE, Tab: Keys.TAB };

/** The window has its size some frames after it was asked to. */
async function resize(driver: WebDriver, evaluate: Window["evaluate"], size: Size): Promise<void> {
  await driver.manage().window().setRect(size);
  while ((await evaluate(() => innerWidth)) !== size.width) await pause(20);
}
