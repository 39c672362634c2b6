/** One flow in three engines, both languages and three widths. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromium } from "./engines/chromium";
import type { Engine } from "./engines/engine";
import { firefox } from "./engines/firefox";
import { flow, type Spoken } from "./engines/flow";
import { Visitor } from "./engines/visitor";
import { webkit } from "./engines/webkit";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
const { CHROMIUM, FIREFOX, WEBKIT_DRIVER, CI } = process.env;

const ENGINES = [
  { name: "Chromium", variable: "CHROMIUM", executable: CHROMIUM, launch: chromium },
  { name: "Firefox", variable: "FIREFOX", executable: FIREFOX, launch: firefox },
  { name: "WebKit", variable: "WEBKIT_DRIVER", executable: WEBKIT_DRIVER, launch: webkit },
];

const RUNS: readonly [Spoken, number, number][] = [
  ["en", 1280, 800],
  ["ur", 900, 1000],
  ["en", 390, 844],
  ["ur", 390, 844],
];

/** A flow takes seconds; a machine with better things to do gets its time. */
const TIMEOUT_MS = 240_000;

describe.each(ENGINES)("in $name", ({ name, variable, executable, launch }) => {
  if (!executable) {
    const sentence = `${name} is not on this machine (${variable} is not set), so nothing was tried in it.`;
    if (!CI) console.warn(sentence);
    return it.skipIf(!CI)(sentence, () => expect.fail(sentence));
  }

  let engine: Engine;
  beforeAll(async () => void (engine = await launch(executable)));
  afterAll(() => engine?.close());

  it.each(RUNS)(
    "a person goes the whole way: %s, %i pixels wide",
    async (language, width, height) => {
      const window = await engine.open({ width, height });
      const visitor = new Visitor(window);
      const look = (what: string) =>
        visitor.screenshot(`${name}-${width}-${language}-${what}`.toLowerCase());
      try {
        const growth = await flow(visitor, web, language, look);
        const told = growth.map(({ steps, chars }) => `${steps} steps to ${chars} characters`);
        console.info(
          `${name}, ${language}, ${width} px: an answer grew in ${told.join(", after a reload in ")}.`,
        );
        expect(window.errors).toEqual([]);
      } catch (error) {
        await look("failed");
        throw error;
      } finally {
        await window.close();
      }
    },
    TIMEOUT_MS,
  );
});
