"use client";
/** The assistant as a sidebar: at the end of the line (the left in Urdu), over all on a phone. */
import { useEffect, useRef } from "react";
import { CloseIcon, ExpandIcon, SparkIcon } from "@/components/icons";
import { AssistantSurface } from "./AssistantSurface";
import { useChat } from "./ChatProvider";
import { useHost } from "./host";
import { useTexts } from "./useTexts";

export function ChatAssistant({ modal }: { modal: boolean }) {
  const { t } = useTexts();
  const { title, page, Link } = useHost();
  const { isOpen, setOpen, panel, wake, focusComposer } = useChat();
  const panelRef = useRef<HTMLElement>(null);
  const wasOpen = useRef(false);

  useEffect(() => {
    if (isOpen) wake();
  }, [isOpen, wake]);

  // The focus goes into the assistant when a person opens it, and back when they close it.
  useEffect(() => {
    if (isOpen === wasOpen.current) return;
    wasOpen.current = isOpen;
    if (isOpen) return focusComposer();
    const active = document.activeElement;
    if (active === document.body || panelRef.current?.contains(active)) {
      document.getElementById("assistant-toggle")?.focus();
    }
  }, [isOpen, focusComposer]);

  useEffect(() => {
    if (!isOpen) return;
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) setOpen(false);
    };
    document.addEventListener("keydown", escape);
    return () => document.removeEventListener("keydown", escape);
  }, [isOpen, setOpen]);

  const ownHeader = panel !== "chatkit";
  return (
    <aside
      ref={panelRef}
      id="assistant"
      role={modal ? "dialog" : "complementary"}
      aria-modal={modal && isOpen ? true : undefined}
      aria-label={title}
      inert={!isOpen}
      data-open={isOpen}
      className={`fixed inset-y-0 end-0 z-40 flex w-full flex-col bg-surface shadow-panel duration-200 ease-out-soft md:w-[25rem] ${
        // What is still becoming visible takes no focus: only the way out waits for the slide.
        isOpen
          ? "visible translate-x-0 transition-[translate]"
          : "invisible translate-x-full transition-[translate,visibility] rtl:-translate-x-full"
      }`}
    >
      {ownHeader && (
        <div className="flex h-16 shrink-0 items-center gap-2 border-b border-line ps-5 pe-3 short:h-11">
          <SparkIcon className="text-brand-strong" />
          <h2 className="flex-1 truncate font-semibold">{title}</h2>
          <Link
            href={page.href}
            className="icon-btn"
            aria-label={t("assistant.full")}
            title={t("assistant.full")}
          >
            <ExpandIcon />
          </Link>
          <button
            type="button"
            className="icon-btn"
            aria-label={t("assistant.close")}
            title={t("assistant.close")}
            onClick={() => setOpen(false)}
          >
            <CloseIcon />
          </button>
        </div>
      )}
      {panel !== "none" && <AssistantSurface />}
    </aside>
  );
}
