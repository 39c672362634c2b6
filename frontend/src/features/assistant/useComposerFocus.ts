"use client";
/** The way of the focus into the message box, which may not be there yet when it is asked for. */
import { useCallback, useEffect, useRef } from "react";
import type { Panel } from "./usePanel";

/** The id of our own composer's text box. */
export const COMPOSER_ID = "assistant-composer";

export function useComposerFocus(panel: Panel, focusKit: () => Promise<void>) {
  // What had the focus when it was asked for. A person who has moved on since then keeps it.
  const asked = useRef<Element | null>(null);

  /** Move the focus as it was asked for, if the box is there by now. */
  const settleFocus = useCallback(() => {
    const from = asked.current;
    const box = panel === "chatkit" ? null : document.getElementById(COMPOSER_ID);
    if (!from || (!box && panel !== "chatkit")) return;
    asked.current = null;
    const now = document.activeElement ?? document.body;
    if (now !== from && now !== document.body) return;
    if (box) box.focus();
    else void focusKit().catch(() => {});
  }, [panel, focusKit]);

  useEffect(settleFocus, [settleFocus]);

  const focusComposer = useCallback(() => {
    asked.current = document.activeElement ?? document.body;
    settleFocus();
  }, [settleFocus]);

  return { focusComposer, settleFocus };
}
