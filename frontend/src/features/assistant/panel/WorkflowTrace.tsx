"use client";
/** The tool trace: the steps of an answer, open while they happen and folded away after. */
import { useState } from "react";
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
import type { Workflow, WorkflowTask } from "../bridge/protocol";
import { useTexts } from "../useTexts";
import { Markdown } from "./Markdown";
import { Sources } from "./Sources";

export function WorkflowTrace({ workflow, isOpen }: { workflow: Workflow; isOpen: boolean }) {
  const { t, seconds } = useTexts();
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
          {workflow.tasks.map((step, index) => (
            <li key={index}>
              <TraceStep step={step} />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

export function TraceStep({ step }: { step: WorkflowTask }) {
  const { t } = useTexts();
  const status = step.status_indicator ?? "none";
  return (
    <div className="flex items-start gap-2 text-sm" data-status={status}>
      <span className="mt-0.5 text-muted nastaliq:mt-1.5">
        <StepMark step={step} />
      </span>
      <div className="min-w-0 flex-1">
        <p dir="auto" className={status === "loading" ? "animate-breathe" : ""}>
          {step.title ?? step.title_query ?? t("chat.worked")}
          {status !== "none" && (
            <span className="sr-only">
              {" "}
              ({t(status === "loading" ? "chat.step.loading" : "chat.step.complete")})
            </span>
          )}
        </p>
        {step.queries && step.queries.length > 0 && (
          <p dir="auto" className="text-muted">
            {step.queries.join(" · ")}
          </p>
        )}
        {step.content && (
          <div className="text-muted">
            {step.type === "thought" ? (
              <Markdown text={step.content} />
            ) : (
              <p dir="auto" className="break-words">
                {step.content}
              </p>
            )}
          </div>
        )}
        {step.sources && <Sources sources={step.sources} />}
      </div>
    </div>
  );
}

function StepMark({ step }: { step: WorkflowTask }) {
  if (step.status_indicator === "loading") {
    return (
      <span className="animate-turn block size-4 rounded-full border-2 border-line border-t-brand-strong" />
    );
  }
  if (step.icon === "info") return <AlertIcon size={16} className="text-bad" />;
  if (step.icon === "clock") return <ClockIcon size={16} />;
  switch (step.type) {
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
