"use client";
/** The task list on the page: loading, the person's changes at once, rollback when refused. */
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { CONFIG } from "@/lib/config";
import { problemOf, type Problem } from "@/lib/problems";
import { TasksApi } from "@/lib/tasks/api";
import { EMPTY_LIST, reduce, shown, type Change } from "@/lib/tasks/list";
import {
  matches,
  type Filter,
  type Task,
  type TaskChanges,
  type TaskDraft,
} from "@/lib/tasks/task";
import { useChat } from "../ChatProvider";
import { pageLanguage } from "../LanguageProvider";
import { useSession } from "../SessionProvider";

export interface Failure {
  action: "add" | "edit" | "delete";
  title: string;
  problem: Problem;
}

type ChangeOf<T> = T extends Change ? Omit<T, "id"> : never;

const SEARCH_PAUSE_MS = 250;
const REFRESH_PAUSE_MS = 120;

export function useTasks() {
  const { user, tokens, askToSignIn } = useSession();
  const { onTasksChanged } = useChat();

  const [api] = useState(() => new TasksApi(CONFIG.TASKS_BASE_URL, user.id, tokens, pageLanguage));
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
    const timer = setTimeout(() => setSearch(query.trim()), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query]);

  const loading = useRef<AbortController | null>(null);
  const load = useCallback(async () => {
    loading.current?.abort();
    const controller = new AbortController();
    loading.current = controller;
    try {
      const page = await api.list({ filter, query: search }, controller.signal);
      dispatch({
        type: "loaded",
        tasks: page.data,
        hasMore: page.has_more,
        after: page.after,
        append: false,
      });
      setStatus("ready");
      setProblem(null);
      if (filter === "all" && !search && !page.has_more) {
        setOpenCount(page.data.filter((task) => !task.completed).length);
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      const found = problemOf(error);
      if (found.kind === "sign_in") askToSignIn();
      setProblem(found);
      setStatus("failed");
    }
  }, [api, filter, search, askToSignIn]);

  useEffect(() => {
    // eslint-disable-next-line react-hooks/set-state-in-effect -- it sets state after the answer
    void load();
  }, [load]);

  // The agent may change several tasks in one breath; the list is fetched once for all of them.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void load(), REFRESH_PAUSE_MS);
    };
    const stop = onTasksChanged(later);
    window.addEventListener("online", later);
    return () => {
      stop();
      window.removeEventListener("online", later);
      clearTimeout(timer);
    };
  }, [load, onTasksChanged]);

  const loadMore = useCallback(async () => {
    setLoadingMore(true);
    try {
      const page = await api.list({ filter, query: search, after: list.after });
      dispatch({
        type: "loaded",
        tasks: page.data,
        hasMore: page.has_more,
        after: page.after,
        append: true,
      });
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setLoadingMore(false);
    }
  }, [api, filter, search, list.after]);

  const counter = useRef(0);
  const perform = useCallback(
    async (
      change: ChangeOf<Change>,
      action: Failure["action"],
      title: string,
      send: () => Promise<Task | void>,
    ): Promise<boolean> => {
      const id = ++counter.current;
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
        if (found.kind === "sign_in") askToSignIn();
        return false;
      }
    },
    [askToSignIn],
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
