"use client";
/** The tasks page. */
import { useCallback, useEffect, useRef } from "react";
import { CheckIcon, CloseIcon, SearchIcon, SparkIcon } from "@/components/icons";
import { ProblemNote } from "@/components/ProblemNote";
import { AddTask } from "./AddTask";
import type { TasksHost } from "./host";
import type { Filter, Task } from "./task";
import { TaskRow } from "./TaskRow";
import { useTasks, type Tasks } from "./useTasks";
import { useTexts } from "./useTexts";

const FILTERS: Filter[] = ["all", "open", "done"];

export function TasksView({ host }: { host: TasksHost }) {
  const { t, plural } = useTexts();
  const tasks = useTasks(host);
  const { status, failure } = tasks;
  const list = useRef<HTMLUListElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);

  const { edit, remove, announce } = tasks;
  const toggle = useCallback(
    (task: Task) => {
      void edit(task, { completed: !task.completed });
      const key = task.completed ? "tasks.announce.reopened" : "tasks.announce.completed";
      announce(t(key, { title: task.title }));
    },
    [edit, announce, t],
  );
  const discard = useCallback(
    (task: Task) => {
      focusNeighbour(list.current, task.id, heading.current);
      void remove(task);
      announce(t("tasks.announce.deleted", { title: task.title }));
    },
    [remove, announce, t],
  );

  // Of a list that could not be loaded nothing is known, not even that it is empty.
  const isKnown = status !== "loading" && !(tasks.problem && tasks.tasks.length === 0);
  const summary =
    tasks.open === null
      ? " "
      : tasks.open > 0
        ? plural("tasks.summary.open", tasks.open)
        : t(tasks.total === 0 ? "tasks.summary.none" : "tasks.summary.clear");

  return (
    <div className="mx-auto w-full max-w-3xl px-4 pt-8 pb-24 sm:px-6 sm:pt-12">
      <h1
        ref={heading}
        tabIndex={-1}
        className="text-3xl font-semibold tracking-tight outline-none"
      >
        {t("tasks.title")}
      </h1>
      <p className="mt-1 text-muted" data-testid="summary">
        {isKnown ? summary : " "}
      </p>

      <AddTask
        onAdd={async (draft) => {
          const added = await tasks.add(draft);
          if (added) tasks.announce(t("tasks.announce.added", { title: draft.title }));
          return added;
        }}
      />

      <div className="mt-7 flex flex-wrap items-center gap-3">
        <Filters tasks={tasks} />
        <Search tasks={tasks} />
      </div>

      {failure && (
        <div
          role="alert"
          className="animate-appear mt-4 flex items-start gap-3 rounded-xl border border-[#f1d3cf] bg-bad-soft px-4 py-3 text-sm text-bad"
        >
          <p className="flex-1">
            {t(`tasks.error.${failure.action}`, { title: failure.title })}{" "}
            <span className="text-[#5d2a26]">
              {t(`problem.${failure.problem.kind}.title`)}.{" "}
              {failure.problem.kind === "invalid" && failure.problem.said}
            </span>
          </p>
          <button
            type="button"
            className="icon-btn -m-1.5"
            aria-label={t("dismiss")}
            onClick={tasks.clearFailure}
          >
            <CloseIcon size={16} />
          </button>
        </div>
      )}

      {tasks.problem && (
        <div className="mt-5">
          {tasks.tasks.length === 0 && (
            <h2 className="mb-2 font-semibold">{t("tasks.error.title")}</h2>
          )}
          <ProblemNote
            problem={tasks.problem}
            url={host.baseUrl}
            onRetry={() => void tasks.reload()}
          />
        </div>
      )}

      {status === "loading" && <LoadingRows />}

      {tasks.tasks.length > 0 && (
        <ul
          ref={list}
          aria-label={t("tasks.list.label")}
          className="card mt-5 divide-y divide-line"
        >
          {tasks.tasks.map((task) => (
            <TaskRow key={task.id} task={task} onToggle={toggle} onSave={edit} onDelete={discard} />
          ))}
        </ul>
      )}

      {status === "ready" && tasks.tasks.length === 0 && !tasks.problem && (
        <Empty tasks={tasks} onAsk={host.onAsk} />
      )}

      {tasks.hasMore && (
        <div className="mt-5 text-center">
          <button
            type="button"
            className="btn btn-quiet"
            disabled={tasks.isLoadingMore}
            onClick={() => void tasks.loadMore()}
          >
            {t("tasks.more")}
          </button>
        </div>
      )}

      <p role="status" className="sr-only">
        {tasks.announcement}
      </p>
    </div>
  );
}

/** A deleted row takes the focus with it, unless it is moved on first. */
function focusNeighbour(
  list: HTMLElement | null,
  taskId: string,
  otherwise: HTMLElement | null,
): void {
  const row = list?.querySelector(`[data-task="${CSS.escape(taskId)}"]`);
  const neighbour = row?.nextElementSibling ?? row?.previousElementSibling;
  (neighbour?.querySelector("button") ?? otherwise)?.focus();
}

function Filters({ tasks }: { tasks: Tasks }) {
  const { t } = useTexts();
  return (
    <div
      role="group"
      aria-label={t("tasks.filter.label")}
      className="flex rounded-xl border border-line bg-sunken p-1"
    >
      {FILTERS.map((filter) => (
        <button
          key={filter}
          type="button"
          aria-pressed={tasks.filter === filter}
          onClick={() => tasks.setFilter(filter)}
          className={`h-9 rounded-lg px-3.5 text-sm font-medium transition-colors nastaliq:leading-none ${
            tasks.filter === filter ? "bg-surface shadow-card" : "text-muted hover:text-ink"
          }`}
        >
          {t(`tasks.filter.${filter}`)}
        </button>
      ))}
    </div>
  );
}

function Search({ tasks }: { tasks: Tasks }) {
  const { t } = useTexts();
  const input = useRef<HTMLInputElement>(null);
  // What was typed before the page was alive is looked for as if it were typed now.
  const { setQuery } = tasks;
  useEffect(() => {
    if (input.current?.value) setQuery(input.current.value);
  }, [setQuery]);
  return (
    <div role="search" className="relative min-w-44 flex-1">
      <SearchIcon className="pointer-events-none absolute start-3.5 top-1/2 -translate-y-1/2 text-muted" />
      <input
        ref={input}
        type="text"
        inputMode="search"
        enterKeyHint="search"
        dir="auto"
        className="field px-10"
        placeholder={t("tasks.search.placeholder")}
        aria-label={t("tasks.search.label")}
        value={tasks.query}
        maxLength={200}
        onChange={(event) => tasks.setQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !tasks.query) return;
          event.preventDefault();
          tasks.setQuery("");
        }}
      />
      {tasks.query && (
        <button
          type="button"
          className="icon-btn absolute end-1 top-1/2 -translate-y-1/2"
          aria-label={t("tasks.search.clear")}
          onClick={() => {
            tasks.setQuery("");
            input.current?.focus();
          }}
        >
          <CloseIcon size={16} />
        </button>
      )}
    </div>
  );
}

function LoadingRows() {
  const { t } = useTexts();
  return (
    <div role="status" className="card mt-5 divide-y divide-line">
      <span className="sr-only">{t("tasks.loading")}</span>
      {["w-2/5", "w-3/5", "w-1/3"].map((width) => (
        <div key={width} className="flex items-center gap-4 px-5 py-5">
          <span className="size-5 rounded-full border-2 border-line" />
          <span className={`animate-breathe h-4 rounded-full bg-sunken ${width}`} />
        </div>
      ))}
    </div>
  );
}

function Empty({ tasks, onAsk }: { tasks: Tasks; onAsk: () => void }) {
  const { t } = useTexts();
  const kind = tasks.search ? "search" : tasks.filter === "all" ? "new" : tasks.filter;
  const title = {
    search: t("tasks.empty.search_title", { query: tasks.search }),
    new: t("tasks.empty.title"),
    open: t("tasks.empty.open_title"),
    done: t("tasks.empty.done_title"),
  }[kind];
  const body = {
    search: t("tasks.empty.search_body"),
    new: t("tasks.empty.body"),
    open: t("tasks.empty.open_body"),
    done: t("tasks.empty.done_body"),
  }[kind];
  return (
    <div className="animate-appear mx-auto mt-16 max-w-sm text-center">
      <span className="mx-auto grid size-14 place-items-center rounded-2xl bg-brand-soft text-brand-strong">
        {kind === "search" ? <SearchIcon size={26} /> : <CheckIcon size={26} />}
      </span>
      <h2 className="mt-5 text-lg font-semibold">{title}</h2>
      <p className="mt-1.5 text-muted">{body}</p>
      {kind === "new" && (
        <button type="button" className="btn btn-quiet mt-6" onClick={onAsk}>
          <SparkIcon size={16} className="text-brand-strong" />
          {t("tasks.empty.ask")}
        </button>
      )}
    </div>
  );
}
