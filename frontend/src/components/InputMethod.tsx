"use client";
/**
 * Keys that belong to an input method, as Chinese, Japanese and Korean are written with, do nothing
 * else: the Enter that ends a word sends nothing, the Escape that drops it closes nothing.
 */
import { useEffect } from "react";

/** What browsers give as the key code of such a key (UI Events, 7.3.1). */
const PROCESS_KEY = 229;

/**
 * Whether a key belongs to an input method. Safari ends the word before it sends the key that ended
 * it, so that only the code still tells.
 */
function isOfInputMethod({ isComposing, keyCode }: KeyboardEvent): boolean {
  return isComposing || keyCode === PROCESS_KEY;
}

export function InputMethod() {
  useEffect(() => {
    const keep = (event: KeyboardEvent) => {
      if (!isOfInputMethod(event)) return;
      event.stopImmediatePropagation();
      // A form would be sent by its browser, with no handler of ours.
      if (event.key === "Enter") event.preventDefault();
    };
    window.addEventListener("keydown", keep, true);
    return () => window.removeEventListener("keydown", keep, true);
  }, []);
  return null;
}
