/**
 * The words of list items in a run of their own, for lists of both directions: each item's words
 * run as their own letters do, and its number stays at the list's side. A list item that took the
 * direction of its words would take its number with it, which WebKit draws over the words.
 */
import type { Element, ElementContent, Root } from "hast";

const BLOCKS: ReadonlySet<string> = new Set([
  ..."p ul ol pre blockquote table hr h1 h2 h3 h4 h5 h6 div section".split(" "),
]);

function isWord(node: ElementContent): boolean {
  // A tick stands beside the number, not among the words.
  return node.type !== "element" || !(BLOCKS.has(node.tagName) || node.tagName === "input");
}

function wrapped(children: readonly ElementContent[]): ElementContent[] {
  const next: ElementContent[] = [];
  let run: Element | null = null;
  for (const child of children) {
    if (!isWord(child)) {
      run = null;
      next.push(child);
    } else if (run) {
      run.children.push(child);
    } else if (child.type === "text" && !child.value.trim()) {
      next.push(child);
    } else {
      run = {
        type: "element",
        tagName: "span",
        properties: { className: ["words"] },
        children: [child],
      };
      next.push(run);
    }
  }
  return next;
}

function visit(node: Root | Element): void {
  for (const child of node.children) {
    if (child.type !== "element") continue;
    visit(child);
    const isOfItem = node.type === "element" && node.tagName === "li" && child.tagName === "p";
    if (child.tagName === "li" || isOfItem) child.children = wrapped(child.children);
  }
}

/** A rehype plugin. */
export function isolateListWords() {
  return visit;
}
