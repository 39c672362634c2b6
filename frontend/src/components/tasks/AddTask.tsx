"use client";
/** The box for a new task: a title, and details for those who want them. */
import { useId, useRef, useState, useSyncExternalStore, type FormEvent } from "react";
import { fromDateInput, type TaskDraft } from "@/lib/tasks/task";
import { ChevronIcon, PlusIcon } from "../icons";
import { useLanguage } from "../LanguageProvider";

const MAX_TITLE_CHARS = 500;
const MAX_NOTES_CHARS = 5000;

const noChanges = () => () => {};

export function AddTask({ onAdd }: { onAdd: (draft: TaskDraft) => Promise<boolean> }) {
  const { t } = useLanguage();
  const ids = { details: useId(), notes: useId(), due: useId() };
  const input = useRef<HTMLInputElement>(null);
  // Before, what is typed would be lost, and Enter would load the page again.
  const isHydrated = useSyncExternalStore(
    noChanges,
    () => true,
    () => false,
  );
  const [title, setTitle] = useState("");
  const [notes, setNotes] = useState("");
  const [due, setDue] = useState("");
  const [detailed, setDetailed] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    input.current?.focus();
    if (!title.trim()) return;
    const draft = { title: title.trim(), notes: notes.trim(), due_at: fromDateInput(due) };
    setTitle("");
    setNotes("");
    setDue("");
    if (await onAdd(draft)) return;
    // Refused: what was typed comes back, unless something new is there already.
    setTitle((now) => now || draft.title);
    setNotes((now) => now || draft.notes);
    setDue((now) => now || due);
  }

  return (
    <form onSubmit={(event) => void submit(event)} className="card mt-7 p-2">
      <div className="flex items-center gap-1">
        <PlusIcon className="ms-3 me-1 shrink-0 text-brand-strong" />
        <input
          ref={input}
          name="title"
          dir="auto"
          autoComplete="off"
          enterKeyHint="done"
          className="h-11 min-w-0 flex-1 rounded-lg bg-transparent px-2 text-[max(var(--text-base),16px)] placeholder:text-muted"
          placeholder={t("tasks.add.placeholder")}
          aria-label={t("tasks.add.label")}
          maxLength={MAX_TITLE_CHARS}
          value={title}
          readOnly={!isHydrated}
          onChange={(event) => setTitle(event.target.value)}
        />
        <button
          type="button"
          className="btn px-2.5 text-muted hover:text-ink"
          aria-expanded={detailed}
          aria-controls={ids.details}
          onClick={() => setDetailed(!detailed)}
        >
          <span className="max-sm:sr-only">{t("tasks.add.details")}</span>
          <ChevronIcon
            size={16}
            className={`transition-transform ${detailed ? "-rotate-90" : "rotate-90"}`}
          />
        </button>
        <button type="submit" className="btn btn-primary">
          {t("tasks.add.submit")}
        </button>
      </div>
      <div id={ids.details} hidden={!detailed} className="px-3 pt-3 pb-2">
        <div className="grid gap-4 sm:grid-cols-[1fr_12rem]">
          <div>
            <label htmlFor={ids.notes} className="label">
              {t("tasks.field.notes")}
            </label>
            <textarea
              id={ids.notes}
              dir="auto"
              rows={2}
              className="field resize-y"
              placeholder={t("tasks.field.notes_placeholder")}
              maxLength={MAX_NOTES_CHARS}
              value={notes}
              onChange={(event) => setNotes(event.target.value)}
            />
          </div>
          <div>
            <label htmlFor={ids.due} className="label">
              {t("tasks.field.due")}
            </label>
            <input
              id={ids.due}
              type="date"
              className="field"
              value={due}
              onChange={(event) => setDue(event.target.value)}
            />
          </div>
        </div>
      </div>
    </form>
  );
}
