/** One person's way through the whole page, the same in every engine, language and width. */
import { expect } from "vitest";
import { labelOf } from "@/lib/i18n/language";
import { translator } from "@/lib/i18n/translate";
import { CATALOGUES, type MessageKey } from "@/shell/catalogues";
import { newEmail, PASSWORD } from "../browser";
import type { Visitor } from "./visitor";

const ANSWER = "[data-item=assistant_message]";
const OPEN_ANSWER = `${ANSWER}[data-open=true]`;

/** What is said, in words that the scripted model understands. */
const WORDS = {
  en: {
    name: "Amina Khan",
    tasks: ["Old letter", "Old bill", "Fresh bread"],
    story: (words: number) => `Tell me a story of ${words} words`,
    add: "Add buy milk",
    added: "buy milk",
    list: "Show my tasks",
    remove: "Delete old letter and old bill",
    file: "Hello, what is in this file?",
  },
  ur: {
    name: "آمنہ خان",
    tasks: ["پرانا خط", "پرانا بل", "تازہ روٹی"],
    story: (words: number) => `مجھے ${words} الفاظ کی کہانی سناؤ`,
    add: "میری فہرست میں دودھ لانا شامل کرو",
    added: "دودھ لانا",
    list: "میرے کام دکھاؤ",
    remove: "پرانا خط اور پرانا بل حذف کرو",
    file: "السلام علیکم",
  },
};

export type Spoken = keyof typeof WORDS;

const STORY_WORDS = 100;
/** Long enough to be caught in the middle, whatever the pace of the machine. */
const LONG_STORY_WORDS = 5_000;
/** So often an answer grows before the eyes before the flow goes on. */
const GROWTH_STEPS = 10;

/** How often an answer grew from one frame to a later one, and to how many characters. */
export interface Growth {
  steps: number;
  chars: number;
}

/**
 * Go the whole way, from sign-up to sign-out and Back.
 * @param look called where a picture is worth taking
 * @returns how a long answer grew: from its beginning, and again after a reload
 */
export async function flow(
  visitor: Visitor,
  web: string,
  code: Spoken,
  look: (what: string) => Promise<void>,
): Promise<Growth[]> {
  const { window } = visitor;
  const { language, messages } = CATALOGUES.get(code)!;
  const { t } = translator<MessageKey>(language, messages);
  const words = WORDS[code];
  const press = (name: string) => visitor.click("button", name);
  const phase = (value: string) =>
    visitor.finds(
      "the phase of the conversation",
      () => document.querySelector<HTMLElement>("[data-phase]")?.dataset.phase,
      [],
      value,
    );

  async function say(text: string) {
    await visitor.fill("#assistant-composer", text);
    await window.press("Enter");
  }

  async function ask(text: string): Promise<string> {
    const before = await window.evaluate(count, ANSWER);
    await say(text);
    await visitor.sees(ANSWER, "", before + 1);
    await phase("idle");
    return visitor.text(`${ANSWER} .prose`);
  }

  async function grown(): Promise<Growth> {
    await visitor.finds("that the answer grows", hasGrown, [GROWTH_STEPS], true);
    return window.evaluate(growth);
  }

  // Sign up, in the language that the person chooses.
  await window.goto(`${web}/sign-up?next=${encodeURIComponent("/tasks?panel=local")}`);
  await press(labelOf(language));
  await visitor.sees("h1", t("sign_up.title"));
  await visitor.fill("input[name=name]", words.name);
  await visitor.fill("input[name=email]", newEmail());
  await visitor.fill("input[name=password]", PASSWORD);
  await press(t("sign_up.submit"));
  await visitor.sees("h2, p", t("tasks.empty.title"));
  expect(await window.evaluate(() => document.dir)).toBe(language.direction);

  // Add.
  for (const title of words.tasks) {
    await visitor.fill("input[name=title]", title);
    await window.press("Enter");
    await visitor.sees("[data-task^=tsk_]", title);
  }
  await look("tasks");

  // Ask.
  const open = async () => {
    await visitor.click("#assistant-toggle");
    await visitor.sees("#assistant", t("tasks.assistant"));
    await visitor.finds("the focus", focused, [], "assistant-composer");
  };
  await open();
  await window.press("Escape");
  await visitor.finds("the focus", focused, [], "assistant-toggle");
  await open();
  const story = await ask(words.story(STORY_WORDS));
  expect(story.split(/\s+/)).toHaveLength(STORY_WORDS);

  // The trace of a change, and the list as a card.
  expect(await ask(words.add)).toContain(words.added);
  await visitor.click("[data-item=workflow] button");
  await visitor.sees("[data-item=workflow] [data-status=complete]");
  await ask(words.list);
  await visitor.sees("[data-item=widget]", words.added);
  await look("card");

  // A deletion of several asks first.
  await say(words.remove);
  await visitor.sees("[data-item=structured_input] form");
  await phase("idle");
  expect(await window.evaluate(count, "[data-task]")).toBe(4);
  await look("question");
  await visitor.click("[data-item=structured_input] label:first-of-type");
  await press(t("chat.answer"));
  await visitor.finds("how many tasks are left", count, ["[data-task]"], 2);
  await phase("idle");

  // Words arrive one by one, and go on after a reload until Stop: none lost, none said twice.
  await window.evaluate(watchWords, OPEN_ANSWER);
  await say(words.story(LONG_STORY_WORDS));
  const first = await grown();
  const early = await visitor.text(`${OPEN_ANSWER} .prose`);
  await window.reload();
  await visitor.sees(`${OPEN_ANSWER} .prose`, early);
  await window.evaluate(watchWords, OPEN_ANSWER);
  const resumed = await grown();
  await look("resumed");
  await press(t("chat.stop"));
  await visitor.sees("[data-incomplete=stopped]", t("chat.incomplete.stopped"));
  const stopped = await visitor.text(`${ANSWER} .prose`);
  expect(stopped.startsWith(early)).toBe(true);
  const both = Math.min(story.length - 1, stopped.length); // it is the same story, but for its end
  expect(stopped.slice(0, both)).toBe(story.slice(0, both));
  expect(stopped.split(/\s+/).length).toBeLessThan(LONG_STORY_WORDS);

  // History: a new conversation, and the old one again.
  await press(t("chat.new"));
  await visitor.sees(ANSWER, "", 0);

  // A file.
  await window.choose("#assistant input[type=file]", FILE);
  await visitor.sees("button", t("chat.attachment_remove", { name: "shopping.txt" }));
  await visitor.fill("#assistant-composer", words.file);
  // Enter does nothing while the file is on its way, and the button says so.
  await press(t("chat.send"));
  await visitor.sees("[data-item=user_message]", "shopping.txt");
  await visitor.sees(ANSWER, "", 1);
  await phase("idle");
  await press(t("chat.history"));
  await visitor.sees("section[aria-label] li", "", 2);
  await look("history");
  await visitor.click("section[aria-label] li:last-child button:first-child");
  await visitor.sees("[data-item=widget]", words.added);
  expect(await visitor.text(`${ANSWER} .prose`)).toBe(stopped);
  await visitor.sees("[data-incomplete=stopped]", t("chat.incomplete.stopped"));

  // Sign out; Back shows nothing of what was there.
  await press(t("assistant.close"));
  await press(t("nav.account", { name: words.name }));
  await press(t("nav.sign_out"));
  await visitor.sees("h1", t("sign_in.title"));
  await window.back();
  await visitor.sees("h1", t("sign_in.title"));
  expect(await window.evaluate(count, "[data-task]")).toBe(0);
  return [first, resumed];
}

const FILE = new URL("./shopping.txt", import.meta.url).pathname;

/** Runs in the page, as all that follows. */
function count(selector: string): number {
  return document.querySelectorAll(selector).length;
}

/** What the window shows as focused; nothing in a window that has no focus itself. */
function focused(): string | undefined {
  return document.querySelector(":focus")?.id;
}

declare global {
  /** How long the open answer was in each frame in which it had grown. */
  var lengths: number[];
}

function watchWords(openAnswer: string): void {
  globalThis.lengths = [];
  const look = () => {
    const { length } = document.querySelector(`${openAnswer} .prose`)?.textContent ?? "";
    if (length > (globalThis.lengths.at(-1) ?? 0)) globalThis.lengths.push(length);
    requestAnimationFrame(look);
  };
  look();
}

function hasGrown(steps: number): boolean {
  return globalThis.lengths.length > steps;
}

function growth(): Growth {
  const { lengths } = globalThis;
  return { steps: lengths.length - 1, chars: lengths.at(-1) ?? 0 };
}
