"use client";
/** Which panel serves the assistant, and the way from one to the other. */
import { useCallback, useEffect, useRef, useState } from "react";
import { loadChatKit, READY_TIMEOUT_MS } from "./bridge/script";

/**
 * none -> loading -> chatkit      OpenAI's component is there
 *                 -> fallback     it failed or took too long: our own
 * none -> local                   the address asks for our own (`?panel=local`)
 */
export type Panel = "none" | "loading" | "chatkit" | "fallback" | "local";

export interface PanelControl {
  panel: Panel;
  /** Start loading a panel, if none is there yet. */
  wake: () => void;
  /** Try OpenAI's component (again). */
  tryChatKit: () => void;
  takeLocal: () => void;
  /** OpenAI's component says that it is ready. */
  onReady: () => void;
}

export function usePanel(wantsLocal: boolean): PanelControl {
  const [panel, setPanel] = useState<Panel>("none");
  const attempt = useRef<AbortController | null>(null);

  const settle = useCallback((next: Panel) => {
    attempt.current?.abort();
    attempt.current = null;
    setPanel(next);
  }, []);

  const tryChatKit = useCallback(() => {
    settle("loading");
    const controller = new AbortController();
    attempt.current = controller;
    const fail = () => {
      if (!controller.signal.aborted) settle("fallback");
    };
    const timer = setTimeout(fail, READY_TIMEOUT_MS);
    controller.signal.addEventListener("abort", () => clearTimeout(timer));
    loadChatKit(controller.signal).catch(fail);
  }, [settle]);

  const wake = useCallback(() => {
    if (panel !== "none") return;
    if (wantsLocal) settle("local");
    else tryChatKit();
  }, [panel, wantsLocal, settle, tryChatKit]);

  const takeLocal = useCallback(() => settle("fallback"), [settle]);
  const onReady = useCallback(() => {
    // A component that wakes up after the person got our own panel stays out of the way.
    if (attempt.current) settle("chatkit");
  }, [settle]);

  useEffect(() => () => attempt.current?.abort(), []);

  return { panel, wake, tryChatKit, takeLocal, onReady };
}
