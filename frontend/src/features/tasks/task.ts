/** A task as the API gives it, and what the list shows of it. Pure. */
import type { Page } from "@/lib/pages";

export interface Task {
  id: string;
  title: string;
  notes: string;
  completed: boolean;
  /** ISO 8601, UTC. */
  due_at: string | null;
  created_at: string;
  updated_at: string;
}

export type TaskPage = Page<Task>;

/** What the API takes at the most. */
export const MAX_TITLE_CHARS = 500;
export const MAX_NOTES_CHARS = 5000;

export interface TaskDraft {
  title: string;
  notes: string;
  due_at: string | null;
}

export type TaskChanges = Partial<TaskDraft & { completed: boolean }>;

export type Filter = "all" | "open" | "done";

export function matches(task: Task, filter: Filter): boolean {
  return filter === "all" || task.completed === (filter === "done");
}

export type DueState = "overdue" | "today" | "later" | "done";

/** How pressing a due time is, in the reader's own calendar days. */
export function dueState(task: Task, now: Date): DueState | null {
  if (!task.due_at) return null;
  if (task.completed) return "done";
  const due = new Date(task.due_at);
  if (due.toDateString() === now.toDateString()) return "today";
  return due < now ? "overdue" : "later";
}

/** The value of a `date` input for a due time. */
export function toDateInput(iso: string | null): string {
  if (!iso) return "";
  const date = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/**
 * The due time for the value of a `date` input: the end of that day here. A task whose day did not
 * change keeps its time.
 */
export function fromDateInput(value: string, before: string | null = null): string | null {
  if (!value) return null;
  if (before && toDateInput(before) === value) return before;
  const [year = 0, month = 1, day = 1] = value.split("-").map(Number);
  return new Date(year, month - 1, day, 23, 59).toISOString();
}
