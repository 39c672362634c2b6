"use client";
/** The task list on the page: loading, the person's changes at once, rollback when refused. */
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { pageLanguage } from "@/components/LanguageProvider";
import { joined, nextPage } from "@/lib/pages";
import { problemOf, type Problem } from "@/lib/problems";
import { written } from "@/lib/text";
import { TasksApi } from "./api";
import type { TasksHost } from "./host";
import { EMPTY_LIST, reduce, shown, type Change } from "./list";
import {
  matches,
  type Filter,
  type Task,
  type TaskChanges,
  type TaskDraft,
  type TaskPage,
} from "./task";

export interface Failure {
  action: "add" | "edit" | "delete";
  title: string;
  problem: Problem;
}

type ChangeOf<T> = T extends Change ? Omit<T, "id"> : never;

const SEARCH_PAUSE_MS = 250;
const REFRESH_PAUSE_MS = 120;

export function useTasks({ baseUrl, userId, tokens, onChanged, onSignInNeeded }: TasksHost) {
  const [api] = useState(() => new TasksApi(baseUrl, userId, tokens, pageLanguage));
  const [list, dispatch] = useReducer(reduce, EMPTY_LIST);
  const [filter, setFilter] = useState<Filter>("all");
  const [query, setQuery] = useState("");
  const [search, setSearch] = useState("");
  const [status, setStatus] = useState<"loading" | "ready" | "failed">("loading");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [announcement, announce] = useState("");
  const [isLoadingMore, setLoadingMore] = useState(false);
  const [openCount, setOpenCount] = useState<number | null>(null);

  useEffect(() => {
    const timer = setTimeout(() => setSearch(written(query)), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query]);

  const reading = useRef<AbortController | null>(null);
  /** How many rows a refresh brings at least: those that are shown. */
  const wanted = useRef(0);
  /** Counts the beginnings and ends of changes. */
  const writes = useRef(0);

  /** Read rows, and again if anything was changed meanwhile: they may be from before it. */
  const read = useCallback(
    async (rows: (signal: AbortSignal) => Promise<TaskPage>, append: boolean) => {
      reading.current?.abort();
      const controller = new AbortController();
      reading.current = controller;
      try {
        let page: TaskPage;
        let before: number;
        do {
          before = writes.current;
          page = await rows(controller.signal);
          controller.signal.throwIfAborted();
        } while (writes.current !== before);
        if (!append) wanted.current = page.data.length;
        dispatch({ type: "loaded", page, append });
        setStatus("ready");
        setProblem(null);
        if (!append && filter === "all" && !search && !page.has_more) {
          setOpenCount(page.data.filter((task) => !task.completed).length);
        }
      } catch (error) {
        if (controller.signal.aborted) return;
        const found = problemOf(error);
        if (found.kind === "sign_in") onSignInNeeded();
        setProblem(found);
        if (!append) setStatus("failed");
      } finally {
        if (reading.current === controller) reading.current = null;
      }
    },
    [filter, search, onSignInNeeded],
  );

  const page = useCallback(
    (after: string | undefined, signal: AbortSignal) =>
      api.list({ filter, query: search, after }, signal),
    [api, filter, search],
  );

  /** Read all the pages that are shown, in place. */
  const load = useCallback(
    () =>
      read(async (signal) => {
        let whole = await page(undefined, signal);
        while (whole.has_more && whole.after && whole.data.length < wanted.current) {
          const next = await page(whole.after, signal);
          const data = joined(whole.data, next.data);
          const isStuck = data.length === whole.data.length;
          whole = { ...next, data };
          if (isStuck) break;
        }
        return whole;
      }, false),
    [read, page],
  );

  // Another filter or search is another list, and begins with its first page.
  useEffect(() => {
    wanted.current = 0;
    void load();
  }, [load]);

  // The agent may change several tasks in one breath; the list is fetched once for all of them.
  // What was changed in another window or on another device is seen when a person comes back.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void load(), REFRESH_PAUSE_MS);
    };
    const back = () => {
      if (document.visibilityState === "visible") later();
    };
    const stop = onChanged(later);
    window.addEventListener("online", later);
    window.addEventListener("focus", later);
    document.addEventListener("visibilitychange", back);
    return () => {
      stop();
      window.removeEventListener("online", later);
      window.removeEventListener("focus", later);
      document.removeEventListener("visibilitychange", back);
      clearTimeout(timer);
    };
  }, [load, onChanged]);

  const loadMore = useCallback(async () => {
    setLoadingMore(true);
    const { after, base } = list;
    // A refresh that comes in between goes one page further.
    wanted.current = base.length + 1;
    if (reading.current || !after) {
      await load();
    } else {
      await read(async (signal) => {
        const more = await nextPage((cursor) => page(cursor, signal), after, base);
        wanted.current = base.length + more.data.length;
        return more;
      }, true);
    }
    setLoadingMore(false);
  }, [load, read, page, list]);

  const counter = useRef(0);
  const perform = useCallback(
    async (
      change: ChangeOf<Change>,
      action: Failure["action"],
      title: string,
      send: () => Promise<Task | void>,
    ): Promise<boolean> => {
      const id = ++counter.current;
      writes.current += 1;
      dispatch({ type: "began", change: { ...change, id } as Change });
      setFailure(null);
      try {
        const task = await send();
        dispatch({ type: "confirmed", id, task: task ?? undefined });
        return true;
      } catch (error) {
        const found = problemOf(error);
        dispatch({ type: "refused", id });
        setFailure({ action, title, problem: found });
        if (found.kind === "sign_in") onSignInNeeded();
        return false;
      } finally {
        writes.current += 1;
      }
    },
    [onSignInNeeded],
  );

  const add = useCallback(
    (draft: TaskDraft) => {
      const now = new Date().toISOString();
      const task: Task = {
        ...draft,
        id: `new-${counter.current + 1}`,
        completed: false,
        created_at: now,
        updated_at: now,
      };
      return perform({ kind: "add", task }, "add", draft.title, () => api.add(draft));
    },
    [api, perform],
  );

  const edit = useCallback(
    (task: Task, changes: TaskChanges) =>
      perform({ kind: "edit", taskId: task.id, changes }, "edit", task.title, () =>
        api.change(task.id, changes),
      ),
    [api, perform],
  );

  const remove = useCallback(
    (task: Task) =>
      perform({ kind: "delete", taskId: task.id }, "delete", task.title, () => api.remove(task.id)),
    [api, perform],
  );

  const tasks = useMemo(() => shown(list).filter((task) => matches(task, filter)), [list, filter]);
  const isWhole = filter === "all" && !search && !list.hasMore;
  const open = isWhole ? tasks.filter((task) => !task.completed).length : openCount;

  return {
    tasks,
    /** How many are to do, when that is known. */
    open,
    total: isWhole ? tasks.length : null,
    hasMore: list.hasMore,
    loadMore,
    isLoadingMore,
    filter,
    setFilter,
    query,
    setQuery,
    search,
    status,
    problem,
    failure,
    clearFailure: () => setFailure(null),
    announcement,
    announce,
    reload: load,
    add,
    edit,
    remove,
  };
}

export type Tasks = ReturnType<typeof useTasks>;
