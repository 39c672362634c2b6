/** A task as the API gives it, and what the list shows of it. Pure. */
import type { Page } from "@/lib/pages";

export interface Task {
  id: string;
  title: string;
  notes: string;
  completed: boolean;
  /** A day (`2026-12-24`), which is the same one everywhere, or a time (RFC 3339). */
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

/** Whether a due date is a day, and not a time. */
export function isDay(due: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(due);
}

/** The moment of a due date; of a day, the one in which it begins here. */
export function dueDate(due: string): Date {
  // The bare string would be midnight in UTC, and the day before to the west of it.
  return isDay(due) ? onDay(due, 0, 0) : new Date(due);
}

/** How pressing a due date is: a day by the reader's own calendar, a time by the minute. */
export function dueState(task: Task, now: Date): DueState | null {
  if (!task.due_at) return null;
  if (task.completed) return "done";
  const due = dueDate(task.due_at);
  const isToday = due.toDateString() === now.toDateString();
  if (isToday && (isDay(task.due_at) || due >= now)) return "today";
  return due < now ? "overdue" : "later";
}

/** The value of a `date` input for a due date. */
export function toDateInput(due: string | null): string {
  if (!due) return "";
  const date = dueDate(due);
  const two = (value: number) => String(value).padStart(2, "0");
  const year = String(date.getFullYear()).padStart(4, "0");
  return `${year}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The due date for the value of a `date` input. A task that is due at a time keeps the time. */
export function fromDateInput(value: string, before: string | null = null): string | null {
  if (!value) return null;
  if (!before || isDay(before)) return value;
  if (toDateInput(before) === value) return before;
  const time = new Date(before);
  return onDay(value, time.getHours(), time.getMinutes()).toISOString();
}

function onDay(day: string, hours: number, minutes: number): Date {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date, hours, minutes);
}
