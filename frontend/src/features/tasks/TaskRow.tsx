"use client";
/** One task: to tick off, to edit in place, to delete. */
import { memo, useEffect, useId, useRef, useState } from "react";
import { Form } from "@/components/Form";
import { CalendarIcon, CheckIcon, PencilIcon, TrashIcon } from "@/components/icons";
import { scriptClass } from "@/lib/i18n/script";
import { written } from "@/lib/text";
import { DueField, NotesField } from "./fields";
import {
  dueDate,
  dueState,
  fromDateInput,
  isDay,
  MAX_TITLE_CHARS,
  toDateInput,
  type Task,
  type TaskChanges,
} from "./task";
import { useTexts } from "./useTexts";

interface Props {
  task: Task & { pending?: boolean };
  onToggle: (task: Task) => void;
  onSave: (task: Task, changes: TaskChanges) => void;
  onDelete: (task: Task) => void;
}

/** Drawn again when its own task changes: a list of hundreds has one row that does. */
export const TaskRow = memo(function TaskRow(props: Props) {
  const { task } = props;
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const returnFocus = useRef(false);

  useEffect(() => {
    if (!editing && returnFocus.current) editButton.current?.focus();
    returnFocus.current = editing;
  }, [editing]);

  return (
    <li
      data-task={task.id}
      className={`group transition-opacity first:rounded-t-2xl last:rounded-b-2xl ${
        task.pending ? "opacity-60" : ""
      }`}
    >
      {editing ? (
        <Editor {...props} onClose={() => setEditing(false)} />
      ) : (
        <Line {...props} editButton={editButton} onEdit={() => setEditing(true)} />
      )}
    </li>
  );
});

function Line({
  task,
  onToggle,
  onEdit,
  onDelete,
  editButton,
}: Props & { onEdit: () => void; editButton: React.RefObject<HTMLButtonElement | null> }) {
  const { t, language } = useTexts();
  return (
    <div className="flex items-start gap-3 px-3 py-3 sm:px-4">
      <button
        type="button"
        role="checkbox"
        aria-checked={task.completed}
        aria-label={t(task.completed ? "tasks.reopen" : "tasks.complete", { title: task.title })}
        disabled={task.pending}
        onClick={() => onToggle(task)}
        className="grid size-9 shrink-0 place-items-center rounded-full"
      >
        <span
          className={`grid size-5.5 place-items-center rounded-full border-2 transition-colors ${
            task.completed
              ? "border-brand bg-brand text-brand-ink"
              : "border-line-strong text-transparent hover:border-brand-strong"
          }`}
        >
          <CheckIcon size={14} strokeWidth={3} />
        </span>
      </button>
      <div className="min-w-0 flex-1 py-1.5">
        <p
          dir="auto"
          className={`page-side break-words ${scriptClass(task.title, language.typeface)} ${task.completed ? "text-muted line-through decoration-line-strong" : ""}`}
        >
          {task.title}
        </p>
        {task.notes && (
          <p
            dir="auto"
            className={`mt-0.5 line-clamp-2 page-side text-sm break-words whitespace-pre-line text-muted ${scriptClass(
              task.notes,
              language.typeface,
            )}`}
          >
            {task.notes}
          </p>
        )}
        <Due task={task} />
      </div>
      <div className="flex shrink-0 transition-opacity focus-within:opacity-100 group-hover:opacity-100 [@media(hover:hover)]:opacity-0">
        <button
          ref={editButton}
          type="button"
          className="icon-btn"
          aria-label={t("tasks.edit", { title: task.title })}
          disabled={task.pending}
          onClick={onEdit}
        >
          <PencilIcon size={17} />
        </button>
        <button
          type="button"
          className="icon-btn hover:text-bad"
          aria-label={t("tasks.delete", { title: task.title })}
          disabled={task.pending}
          onClick={() => onDelete(task)}
        >
          <TrashIcon size={17} />
        </button>
      </div>
    </div>
  );
}

const DUE_COLOURS = {
  overdue: "bg-bad-soft text-bad",
  today: "bg-brand-soft text-brand-strong",
  later: "bg-sunken text-muted",
  done: "text-muted",
} as const;

function Due({ task }: { task: Task }) {
  const { t, day, dayAndTime, wholeDay, dateTime } = useTexts();
  const now = new Date();
  const state = dueState(task, now);
  if (!state || !task.due_at) return null;
  const due = dueDate(task.due_at);
  const shown = isDay(task.due_at) ? day(due, now) : dayAndTime(due, now);
  return (
    <p className="mt-1.5">
      <time
        dateTime={task.due_at}
        title={isDay(task.due_at) ? wholeDay(due) : dateTime(due)}
        className={`inline-flex items-center gap-1.5 rounded-md py-0.5 text-xs font-medium ${
          state === "done" ? "" : "px-2"
        } ${DUE_COLOURS[state]}`}
      >
        <CalendarIcon size={13} />
        {t(state === "overdue" ? "tasks.due.overdue" : "tasks.due.on", { date: shown })}
      </time>
    </p>
  );
}

function Editor({ task, onSave, onClose }: Props & { onClose: () => void }) {
  const { t } = useTexts();
  const titleId = useId();
  const titleInput = useRef<HTMLInputElement>(null);
  const [title, setTitle] = useState(task.title);
  const [notes, setNotes] = useState(task.notes);
  const [due, setDue] = useState(toDateInput(task.due_at));

  useEffect(() => titleInput.current?.focus(), []);

  function send() {
    const wanted = { title: written(title), notes, due_at: fromDateInput(due, task.due_at) };
    if (!wanted.title) {
      titleInput.current?.focus();
      return;
    }
    const changes: TaskChanges = {};
    if (wanted.title !== task.title) changes.title = wanted.title;
    if (wanted.notes !== task.notes) changes.notes = wanted.notes;
    if (wanted.due_at !== task.due_at) changes.due_at = wanted.due_at;
    if (Object.keys(changes).length > 0) onSave(task, changes);
    onClose();
  }

  return (
    <Form
      onSend={send}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
      className="grid gap-4 p-4 sm:grid-cols-[1fr_12rem] sm:p-5"
    >
      <div className="sm:col-span-2">
        <label htmlFor={titleId} className="label">
          {t("tasks.field.title")}
        </label>
        <input
          ref={titleInput}
          id={titleId}
          dir="auto"
          className="field"
          maxLength={MAX_TITLE_CHARS}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
        />
      </div>
      <NotesField rows={3} value={notes} onChange={(event) => setNotes(event.target.value)} />
      <DueField value={due} onChange={(event) => setDue(event.target.value)} />
      <div className="flex gap-2 sm:col-span-2">
        <button type="submit" className="btn btn-primary">
          {t("tasks.save")}
        </button>
        <button type="button" className="btn btn-quiet" onClick={onClose}>
          {t("tasks.cancel")}
        </button>
      </div>
    </Form>
  );
}
