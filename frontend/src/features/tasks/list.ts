/**
 * The list on the screen: what the API last said, with the person's own changes laid over it until
 * the API has confirmed or refused them. Pure.
 *
 * A change that is refused is taken away, and what lies under it shows again: that is the rollback.
 */
import { joined } from "@/lib/pages";
import type { Task, TaskChanges, TaskPage } from "./task";

export type Change =
  | { id: number; kind: "add"; task: Task }
  | { id: number; kind: "edit"; taskId: string; changes: TaskChanges }
  | { id: number; kind: "delete"; taskId: string };

export interface TaskList {
  /** As the API last gave them, newest first. */
  base: readonly Task[];
  hasMore: boolean;
  after: string | null;
  pending: readonly Change[];
}

export const EMPTY_LIST: TaskList = { base: [], hasMore: false, after: null, pending: [] };

export type ListEvent =
  | { type: "loaded"; page: TaskPage; append: boolean }
  | { type: "began"; change: Change }
  | { type: "confirmed"; id: number; task?: Task }
  | { type: "refused"; id: number };

export function reduce(list: TaskList, event: ListEvent): TaskList {
  switch (event.type) {
    case "loaded": {
      const { page, append } = event;
      const known = new Map(list.base.map((task) => [task.id, task]));
      // What has not changed stays what it is, and its row is not drawn again.
      const data = page.data.map((task) => {
        const before = known.get(task.id);
        return before?.updated_at === task.updated_at ? before : task;
      });
      return {
        ...list,
        base: joined(append ? list.base : [], data),
        hasMore: page.has_more,
        after: page.after ?? null,
      };
    }
    case "began":
      return { ...list, pending: [...list.pending, event.change] };
    case "refused":
      return { ...list, pending: list.pending.filter(({ id }) => id !== event.id) };
    case "confirmed": {
      const change = list.pending.find(({ id }) => id === event.id);
      const pending = list.pending.filter(({ id }) => id !== event.id);
      if (!change) return list;
      return { ...list, pending, base: settle(list.base, change, event.task) };
    }
  }
}

/** The tasks to show: the base with every pending change applied. */
export function shown(list: TaskList): readonly (Task & { pending?: boolean })[] {
  return list.pending.reduce<readonly (Task & { pending?: boolean })[]>((tasks, change) => {
    switch (change.kind) {
      case "add":
        return tasks.some(({ id }) => id === change.task.id)
          ? tasks
          : [{ ...change.task, pending: true }, ...tasks];
      case "delete":
        return tasks.filter(({ id }) => id !== change.taskId);
      case "edit":
        return tasks.map((task) =>
          task.id === change.taskId ? { ...task, ...change.changes } : task,
        );
    }
  }, list.base);
}

function settle(base: readonly Task[], change: Change, task: Task | undefined): readonly Task[] {
  switch (change.kind) {
    case "delete":
      return base.filter(({ id }) => id !== change.taskId);
    case "add":
      // A refresh may have brought the new task already.
      if (!task || base.some(({ id }) => id === task.id)) return base;
      return [task, ...base];
    case "edit":
      return task ? base.map((old) => (old.id === task.id ? task : old)) : base;
  }
}
