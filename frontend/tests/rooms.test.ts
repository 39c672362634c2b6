/** Which room of the page may know which, and that no room but theirs speaks of tasks. */
import { ESLint } from "eslint";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../", import.meta.url).pathname;

/** What each room may import of the page. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  components: ["lib"],
  "features/tasks": ["lib", "components"],
  "features/assistant": ["lib", "components"],
  shell: ["lib", "components", "features/tasks", "features/assistant"],
  app: ["lib", "components", "features/tasks", "features/assistant", "shell"],
};

/** The assistant is given these by its host, and so runs on any page. */
const GIVEN_TO_THE_ASSISTANT =
  /^(next($|\/)|@\/lib\/(config|floor|address|setting|auth)|server-only$)/;

const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(ROOT, "src", path), "utf8") }));

function roomOf(path: string): string | undefined {
  return Object.keys(ROOMS).find((room) => path.startsWith(`${room}/`));
}

/** Every module that a source names: by `from`, `import`, `import()` and `import.meta.glob()`. */
function importsOf(text: string): string[] {
  const named = /(?:\bfrom|\bimport|\bimport\(|\bglob(?:<[^>]*>)?\()\s*["']([^"']+)["']/g;
  return [...text.matchAll(named)].map((match) => match[1]!);
}

/** The path within `src/` of an import, or undefined for a package. */
function target(path: string, name: string): string | undefined {
  if (name.startsWith("@/")) return name.slice(2);
  return name.startsWith(".") ? normalize(join(dirname(path), name)) : undefined;
}

describe("imports", () => {
  it.each(Object.entries(ROOMS))("of %s point one way", (room, allowed) => {
    const own = sources.filter(({ path }) => roomOf(path) === room);
    expect(own.length).toBeGreaterThan(0);
    const found = own.flatMap(({ path, text }) =>
      importsOf(text).flatMap((name) => {
        const other = target(path, name);
        const where = other && roomOf(other);
        return where && where !== room && !allowed.includes(where) ? [`${path}: ${name}`] : [];
      }),
    );
    expect(found).toEqual([]);
  });

  it("of the assistant leave out what its host gives", () => {
    const found = sources
      .filter(({ path }) => path.startsWith("features/assistant/"))
      .flatMap(({ path, text }) => importsOf(text).map((name) => `${path}: ${name}`))
      .filter((line) => GIVEN_TO_THE_ASSISTANT.test(line.split(": ")[1]!));
    expect(found).toEqual([]);
  });

  it.each([
    ["src/lib/text.ts", "@/components/Form"],
    ["src/lib/i18n/script.ts", "../../features/tasks/task"],
    ["src/components/Form.tsx", "@/features/assistant/host"],
    ["src/features/tasks/list.ts", "@/features/assistant/host"],
    ["src/features/tasks/list.ts", "../assistant/host"],
    ["src/features/assistant/host.tsx", "@/features/tasks/task"],
    ["src/features/assistant/panel/Item.tsx", "@/shell/Assistant"],
    ["src/features/assistant/panel/Item.tsx", "next/link"],
    ["src/features/assistant/panel/Item.tsx", "@/lib/config"],
    ["src/shell/AppShell.tsx", "@/app/layout"],
  ])("are refused by the linter: in %s, %s", async (filePath, name) => {
    const eslint = new ESLint({ cwd: ROOT });
    const [result] = await eslint.lintText(`import {} from "${name}";\n`, { filePath });
    expect(result!.messages.map(({ ruleId }) => ruleId)).toContain("no-restricted-imports");
  });
});

/** ChatKit's own words, JavaScript's, and the name of a setting. */
const FOREIGN = [
  "queueMicrotask",
  "WorkflowTask",
  "TaskItem",
  "workflow.task.added",
  "workflow.task.updated",
  "task_index",
  "workflow.tasks",
  '"task"',
  "task: WorkflowTask",
  "tasks: WorkflowTask[]",
  "item.task",
  "change_.task",
  "NEXT_PUBLIC_TASKS_BASE_URL",
  "TASKS_BASE_URL",
];

/** What one source calls ChatKit's tasks. */
const LOCAL: Readonly<Record<string, readonly string[]>> = {
  "features/assistant/bridge/frames.ts": ["task: change_.task", "tasks }", "const tasks"],
};

const escaped = (words: string) => words.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");

const SILENT = ["lib", "components", "features/assistant"];

describe("the word of the tasks", () => {
  it.each(SILENT)("is not in %s", (room) => {
    const found = sources
      .filter(({ path }) => path.startsWith(`${room}/`))
      .flatMap(({ path, text }) => {
        expect(path).not.toMatch(/task/i);
        const known = [...FOREIGN, ...(LOCAL[path] ?? [])].toSorted((a, b) => b.length - a.length);
        const foreign = new RegExp(known.map(escaped).join("|"), "g");
        const lines = text.split("\n").map((line) => line.replace(foreign, ""));
        return lines.flatMap((line, index) =>
          /task/i.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
        );
      });
    expect(found).toEqual([]);
  });

  it("is excused only where it stands", () => {
    const looked = sources.filter(({ path }) => SILENT.some((room) => path.startsWith(`${room}/`)));
    const all = looked.map(({ text }) => text).join("\n");
    for (const words of FOREIGN) expect(all).toContain(words);
    for (const [path, excused] of Object.entries(LOCAL)) {
      const { text } = sources.find((source) => source.path === path)!;
      for (const words of excused) expect(text).toContain(words);
    }
  });
});
