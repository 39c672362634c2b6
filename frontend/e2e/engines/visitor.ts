/** What a person sees and does in a window: by mouse and keyboard, on what can be seen and hit. */
import { mkdirSync } from "node:fs";
import { expect } from "vitest";
import type { Json, Window } from "./engine";

const SCREENSHOTS = new URL("../screenshots/", import.meta.url).pathname;
const WAIT = { timeout: 20_000, interval: 40 };

export class Visitor {
  constructor(readonly window: Window) {}

  /** Click what has that selector and these words (or label), once it can be hit. */
  async click(selector: string, words = ""): Promise<void> {
    let point: Point | null = null;
    await expect
      .poll(async () => (point = await this.window.evaluate(target, selector, words)), {
        ...WAIT,
        message: `where to click ${selector} “${words}”`,
      })
      .not.toBeNull();
    const { x, y } = point as unknown as Point;
    await this.window.clickAt(x, y);
  }

  /** Write into a field, and see that it stands there. */
  async fill(selector: string, text: string): Promise<void> {
    await this.click(selector);
    await this.window.type(text);
    await this.finds(
      `what ${selector} holds`,
      (css: string) => document.querySelector<HTMLInputElement>(css)?.value,
      [selector],
      text,
    );
  }

  /** Wait until so many elements with that selector and these words are shown; at least one. */
  async sees(selector: string, words = "", count?: number): Promise<void> {
    const shown = expect.poll(() => this.window.evaluate(visible, selector, words), {
      ...WAIT,
      message: `how many ${selector} “${words}” are shown`,
    });
    await (count === undefined ? shown.toBeGreaterThan(0) : shown.toBe(count));
  }

  /** Wait until a function gives that value in the page. */
  async finds<Arguments extends Json[], Result>(
    what: string,
    script: (...args: Arguments) => Result,
    args: Arguments,
    value: Result,
  ): Promise<void> {
    await expect
      .poll(() => this.window.evaluate(script, ...args), { ...WAIT, message: what })
      .toEqual(value);
  }

  /** The words of the last element with that selector. */
  text(selector: string): Promise<string> {
    return this.window.evaluate(
      (css) => [...document.querySelectorAll<HTMLElement>(css)].at(-1)?.innerText.trim() ?? "",
      selector,
    );
  }

  /** Keep what the window looks like in a folder that is in nobody's way. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.window.screenshot(`${SCREENSHOTS}${name}.png`);
  }
}

interface Point {
  x: number;
  y: number;
}

/**
 * Where to click: the middle of the last such element, scrolled into view, once it is enabled,
 * stands still, and nothing lies over it. Runs in the page.
 */
function target(selector: string, words: string): Point | null {
  const element = [...document.querySelectorAll<HTMLInputElement>(selector)].findLast(
    (one) => one.checkVisibility() && (one.ariaLabel ?? one.innerText).includes(words),
  );
  if (!element || element.matches(":disabled") || element.readOnly) return null;
  const moves = document.getAnimations().some(({ playState, effect }) => {
    if (!(effect instanceof KeyframeEffect) || !effect.target?.contains(element)) return false;
    return playState === "running" && Number.isFinite(effect.getComputedTiming().endTime);
  });
  if (moves) return null;
  element.scrollIntoView({ block: "nearest", behavior: "instant" });
  const { left, top, width, height } = element.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + height / 2];
  return element.contains(document.elementFromPoint(x, y)) ? { x, y } : null;
}

/** How many elements with that selector and these words are shown. Runs in the page. */
function visible(selector: string, words: string): number {
  return [...document.querySelectorAll<HTMLElement>(selector)].filter(
    (one) =>
      one.checkVisibility({ visibilityProperty: true }) &&
      (one.ariaLabel ?? one.innerText).includes(words),
  ).length;
}
