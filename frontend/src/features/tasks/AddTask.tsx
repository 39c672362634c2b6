"use client";
/** The box for a new task: a title, and details for those who want them. */
import { useId, useState } from "react";
import { Form } from "@/components/Form";
import { ChevronIcon, PlusIcon } from "@/components/icons";
import { written } from "@/lib/text";
import { DueField, NotesField } from "./fields";
import { fromDateInput, MAX_TITLE_CHARS, type TaskDraft } from "./task";
import { useTexts } from "./useTexts";

type TextField = HTMLInputElement | HTMLTextAreaElement;

export function AddTask({ onAdd }: { onAdd: (draft: TaskDraft) => Promise<boolean> }) {
  const { t } = useTexts();
  const detailsId = useId();
  const [detailed, setDetailed] = useState(false);

  // The fields keep their own text, so that what is typed before the page is alive stays.
  async function send(form: HTMLFormElement) {
    const fields = ["title", "notes", "due"].map(
      (name) => form.elements.namedItem(name) as TextField,
    );
    const typed = fields.map(({ value }) => written(value));
    const [title = "", notes = "", due = ""] = typed;
    fields[0]?.focus();
    if (!title) return;
    for (const field of fields) field.value = "";
    if (await onAdd({ title, notes, due_at: fromDateInput(due) })) return;
    // Refused: what was typed comes back, unless something new is there already.
    fields.forEach((field, index) => (field.value ||= typed[index] ?? ""));
  }

  return (
    <Form onSend={(form) => void send(form)} className="card mt-7 p-2">
      <div className="flex flex-wrap items-center justify-end gap-1">
        <PlusIcon className="ms-3 me-1 shrink-0 text-brand-strong" />
        <input
          name="title"
          dir="auto"
          autoComplete="off"
          enterKeyHint="done"
          className="h-11 min-w-32 flex-1 rounded-lg bg-transparent px-2 text-[max(var(--text-base),16px)] placeholder:text-muted"
          placeholder={t("tasks.add.placeholder")}
          aria-label={t("tasks.add.label")}
          maxLength={MAX_TITLE_CHARS}
        />
        <button
          type="button"
          className="btn px-2.5 text-muted hover:text-ink"
          aria-expanded={detailed}
          aria-controls={detailsId}
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
      <div id={detailsId} hidden={!detailed} className="px-3 pt-3 pb-2">
        <div className="grid gap-4 sm:grid-cols-[1fr_12rem]">
          <NotesField name="notes" rows={2} />
          <DueField name="due" />
        </div>
      </div>
    </Form>
  );
}
