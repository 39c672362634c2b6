"use client";
/** The tool trace: the steps of an answer, open while they happen and folded away after. */
import { useState } from "react";
import type { Workflow, WorkflowTask } from "../bridge/protocol";
import {
  AlertIcon,
  BoltIcon,
  BulbIcon,
  CheckIcon,
  ChevronIcon,
  ClockIcon,
  FileIcon,
  ImageIcon,
  SearchIcon,
} from "@/components/icons";
import { useLanguage } from "@/components/LanguageProvider";
import { Markdown } from "./Markdown";
import { Sources } from "./Sources";

export function WorkflowTrace({ workflow, isOpen }: { workflow: Workflow; isOpen: boolean }) {
  const { t, seconds } = useLanguage();
  const [chosen, setChosen] = useState<boolean | null>(null);
  const expanded = chosen ?? (isOpen || Boolean(workflow.expanded));
  const summary = workflow.summary;
  const title = !summary
    ? t(isOpen ? "chat.working" : "chat.worked")
    : "title" in summary
      ? summary.title
      : t("chat.thought", { duration: seconds(summary.duration) });

  return (
    <div data-workflow={isOpen ? "running" : "done"}>
      <button
        type="button"
        aria-expanded={expanded}
        onClick={() => setChosen(!expanded)}
        className="-ms-1.5 flex items-center gap-1.5 rounded-lg px-1.5 py-1 text-sm text-muted transition-colors hover:text-ink"
      >
        {workflow.type === "reasoning" ? <BulbIcon size={16} /> : <BoltIcon size={16} />}
        <span className={isOpen ? "animate-breathe" : ""}>{title}</span>
        <ChevronIcon
          size={14}
          className={`transition-transform ${expanded ? "rotate-90" : "rtl:-scale-x-100"}`}
        />
      </button>
      {expanded && (
        <ol className="mt-1.5 space-y-1.5 border-s-2 border-line ps-3.5">
          {workflow.tasks.map((task, index) => (
            <li key={index}>
              <TraceTask task={task} />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

export function TraceTask({ task }: { task: WorkflowTask }) {
  const { t } = useLanguage();
  const status = task.status_indicator ?? "none";
  return (
    <div className="flex items-start gap-2 text-sm" data-status={status}>
      <span className="mt-0.5 text-muted rtl:mt-1.5">
        <TaskMark task={task} />
      </span>
      <div className="min-w-0 flex-1">
        <p dir="auto" className={status === "loading" ? "animate-breathe" : ""}>
          {task.title ?? task.title_query ?? t("chat.worked")}
          {status !== "none" && (
            <span className="sr-only">
              {" "}
              ({t(status === "loading" ? "chat.task.loading" : "chat.task.complete")})
            </span>
          )}
        </p>
        {task.queries && task.queries.length > 0 && (
          <p dir="auto" className="text-muted">
            {task.queries.join(" · ")}
          </p>
        )}
        {task.content && (
          <div className="text-muted">
            {task.type === "thought" ? (
              <Markdown text={task.content} />
            ) : (
              <p dir="auto" className="break-words">
                {task.content}
              </p>
            )}
          </div>
        )}
        {task.sources && <Sources sources={task.sources} />}
      </div>
    </div>
  );
}

function TaskMark({ task }: { task: WorkflowTask }) {
  if (task.status_indicator === "loading") {
    return (
      <span className="animate-turn block size-4 rounded-full border-2 border-line border-t-brand-strong" />
    );
  }
  if (task.icon === "info") return <AlertIcon size={16} className="text-bad" />;
  if (task.icon === "clock") return <ClockIcon size={16} />;
  switch (task.type) {
    case "web_search":
      return <SearchIcon size={16} />;
    case "thought":
      return <BulbIcon size={16} />;
    case "file":
      return <FileIcon size={16} />;
    case "image":
      return <ImageIcon size={16} />;
    default:
      return <CheckIcon size={16} className="text-good" strokeWidth={2.4} />;
  }
}
