// @ts-check
/**
 * Weigh what a browser loads before `/tasks` works: every script of the page, gzipped as a server
 * would send it. Fails over the budget, when the panel is among it, or without a build.
 */
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 200 * 1024;
const WRAPPER_BUDGET_BYTES = 5 * 1024;
const ROUTE = "/(app)/tasks/page";
/** An attribute that only the panel's code writes. */
const PANEL_MARK = "data-workflow";

const root = new URL("../", import.meta.url);
/** @param {string} path */
const read = (path) => readFileSync(new URL(path, root));
/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

/** @type {{ rootMainFiles: string[] }} */
const build = JSON.parse(read(".next/build-manifest.json").toString());
/** @type {{ __RSC_MANIFEST: Record<string, { entryJSFiles: Record<string, string[]> }> }} */
const context = { __RSC_MANIFEST: {} };
const manifest = read(`.next/server/app${ROUTE}_client-reference-manifest.js`).toString();
runInNewContext(manifest, { globalThis: context });
const entries = context.__RSC_MANIFEST[ROUTE]?.entryJSFiles ?? {};
const files = new Set([...build.rootMainFiles, ...Object.values(entries).flat()]);

const problems = [];
let total = 0;
for (const file of files) {
  const source = read(`.next/${file}`);
  total += gzipSync(source).length;
  if (source.includes(PANEL_MARK)) problems.push(`The panel's code is in ${file}.`);
}
const wrapper = gzipSync(read("node_modules/@openai/chatkit-react/dist/index.js")).length;

console.log(`First load of /tasks: ${kilobytes(total)} gzip in ${files.size} files.`);
console.log(`@openai/chatkit-react, not even minified: ${kilobytes(wrapper)} gzip.`);
if (total > BUDGET_BYTES) problems.push(`That is over ${kilobytes(BUDGET_BYTES)}.`);
if (wrapper > WRAPPER_BUDGET_BYTES) problems.push("The ChatKit wrapper has grown.");
if (files.size < 5) problems.push("The build's manifests have changed their form.");
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
