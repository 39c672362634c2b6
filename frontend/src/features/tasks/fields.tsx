"use client";
/** The fields of a task that are the same where it is added and where it is edited. */
import { useId, type ComponentProps } from "react";
import { MAX_NOTES_CHARS } from "./task";
import { useTexts } from "./useTexts";

export function NotesField(props: ComponentProps<"textarea">) {
  const { t } = useTexts();
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="label">
        {t("tasks.field.notes")}
      </label>
      <textarea
        id={id}
        dir="auto"
        className="field resize-y"
        placeholder={t("tasks.field.notes_placeholder")}
        maxLength={MAX_NOTES_CHARS}
        {...props}
      />
    </div>
  );
}

export function DueField(props: ComponentProps<"input">) {
  const { t } = useTexts();
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="label">
        {t("tasks.field.due")}
      </label>
      <input id={id} type="date" className="field" {...props} />
    </div>
  );
}
