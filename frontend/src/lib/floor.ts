/**
 * The oldest browsers that the page works in (`browserslist` in package.json), and the script that
 * says so where it does not. It runs before all others, in browsers that understand none of them.
 */

/** Written for old browsers. What it asks for came with, or before, the versions of the floor. */
export const FLOOR_SCRIPT = `(function () {
  var root = document.documentElement;
  var works = "with" in Array.prototype && "CSSPropertyRule" in window &&
    CSS.supports("color", "color-mix(in oklab, red, red)");
  if (!works) root.setAttribute("data-floor", "old");
  function failed() {
    if (root.hasAttribute("data-alive") || root.hasAttribute("data-floor")) return;
    root.setAttribute("data-floor", "failed");
  }
  addEventListener("error", function (event) {
    var target = event.target;
    var source = target && target.tagName === "SCRIPT" ? target.src : event.filename;
    if (String(source).indexOf("/_next/") >= 0) failed();
  }, true);
  // All scripts have run by then, those too whose error came before this could hear it.
  addEventListener("load", function () { setTimeout(failed, 10000); });
})();`;

/** Say that the page is alive, and take back that a script failed: it can do without that one. */
export function markAlive(): void {
  const { dataset } = document.documentElement;
  dataset.alive = "";
  if (dataset.floor === "failed") delete dataset.floor;
}
