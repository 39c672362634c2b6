/** What the tests need of a browser, whichever it is and whatever protocol drives it. */

export interface Size {
  width: number;
  height: number;
}

export interface Engine {
  /** Open a window that shares nothing with the others: no cookies, no storage. */
  open(size: Size): Promise<Window>;
  /** End the browser and every process that it needed. */
  close(): Promise<void>;
}

export interface Window {
  /** Errors that no script of the page caught; empty where the engine's protocol tells none. */
  readonly errors: readonly string[];
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  back(): Promise<void>;
  /** Run a function in the page. It sees its arguments and the page, nothing around it. */
  evaluate<Arguments extends Json[], Result>(
    script: (...args: Arguments) => Result,
    ...args: Arguments
  ): Promise<Awaited<Result>>;
  /** Press the mouse at a point of the window, in CSS pixels. */
  clickAt(x: number, y: number): Promise<void>;
  /** Write with the keyboard, wherever the focus is. */
  type(text: string): Promise<void>;
  press(key: Key): Promise<void>;
  /** Choose a file of the machine in the file input with that selector. */
  choose(selector: string, path: string): Promise<void>;
  screenshot(path: `${string}.png`): Promise<void>;
  close(): Promise<void>;
}

export type Key = "Enter" | "Escape" | "Tab";
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
