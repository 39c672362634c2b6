"use client";
/** Earlier conversations: to open, to rename, to delete. */
import { useEffect, useState } from "react";
import { Form } from "@/components/Form";
import { BackIcon, PencilIcon, TrashIcon } from "@/components/icons";
import { ProblemNote } from "@/components/ProblemNote";
import { joined } from "@/lib/pages";
import { problemOf, type Problem } from "@/lib/problems";
import { written } from "@/lib/text";
import type { Thread } from "../bridge/protocol";
import { useChat } from "../ChatProvider";
import { useHost } from "../host";
import { useTexts } from "../useTexts";

interface Props {
  currentId: string | null;
  onOpen: (threadId: string) => void;
  onGone: (threadId: string) => void;
  onClose: () => void;
}

export function History({ currentId, onOpen, onGone, onClose }: Props) {
  const { t } = useTexts();
  const { client } = useChat();
  const { baseUrl } = useHost();
  const [threads, setThreads] = useState<Thread[] | null>(null);
  const [after, setAfter] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState<{ id: string; with: "rename" | "delete" } | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let gone = false;
    client.listThreads().then(
      (page) => {
        if (gone) return;
        setThreads(page.data);
        setAfter(page.has_more ? (page.after ?? null) : null);
      },
      (error: unknown) => !gone && setProblem(problemOf(error)),
    );
    return () => {
      gone = true;
    };
  }, [client, attempt]);

  async function attempting(work: () => Promise<void>) {
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
  }

  const more = () =>
    attempting(async () => {
      if (!after) return;
      const page = await client.moreThreads(after, threads ?? []);
      setThreads((known) => joined(known ?? [], page.data));
      setAfter(page.has_more ? (page.after ?? null) : null);
    });

  const rename = (thread: Thread, title: string) =>
    attempting(async () => {
      setBusy(null);
      if (!title || title === thread.title) return;
      const put = (value: string | null | undefined) =>
        setThreads(
          (known) =>
            known?.map((other) => (other.id === thread.id ? { ...other, title: value } : other)) ??
            null,
        );
      put(title);
      await client.renameThread(thread.id, title).catch((error: unknown) => {
        put(thread.title);
        throw error;
      });
    });

  const remove = (thread: Thread) =>
    attempting(async () => {
      setBusy(null);
      await client.deleteThread(thread.id);
      setThreads((known) => known?.filter(({ id }) => id !== thread.id) ?? null);
      onGone(thread.id);
    });

  return (
    <section
      aria-label={t("chat.history")}
      className="relative min-h-0 flex-1 overflow-y-auto p-3"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        onClose();
      }}
    >
      <button type="button" className="btn mb-2 text-muted hover:text-ink" onClick={onClose}>
        <BackIcon size={16} className="rtl:-scale-x-100" />
        {t("chat.back")}
      </button>
      {problem && (
        <ProblemNote
          problem={problem}
          url={baseUrl}
          onRetry={() => {
            setProblem(null);
            setAttempt(attempt + 1);
          }}
          className="mb-3"
        />
      )}
      {!threads && !problem && (
        <div role="status" className="space-y-3 p-3">
          <span className="sr-only">{t("assistant.loading")}</span>
          {[1, 2, 3].map((line) => (
            <span key={line} className="animate-breathe block h-4 rounded-full bg-sunken" />
          ))}
        </div>
      )}
      {threads?.length === 0 && (
        <p className="px-3 py-10 text-center text-muted">{t("chat.history_empty")}</p>
      )}
      <ul className="space-y-0.5">
        {threads?.map((thread) => (
          <Entry
            key={thread.id}
            thread={thread}
            isCurrent={thread.id === currentId}
            mode={busy?.id === thread.id ? busy.with : null}
            onMode={(mode) => setBusy(mode && { id: thread.id, with: mode })}
            onOpen={() => onOpen(thread.id)}
            onRename={(title) => void rename(thread, title)}
            onDelete={() => void remove(thread)}
          />
        ))}
      </ul>
      {after && (
        <button
          type="button"
          className="btn btn-quiet mx-auto mt-3 flex"
          onClick={() => void more()}
        >
          {t("chat.history_more")}
        </button>
      )}
    </section>
  );
}

interface EntryProps {
  thread: Thread;
  isCurrent: boolean;
  mode: "rename" | "delete" | null;
  onMode: (mode: "rename" | "delete" | null) => void;
  onOpen: () => void;
  onRename: (title: string) => void;
  onDelete: () => void;
}

function Entry({ thread, isCurrent, mode, onMode, onOpen, onRename, onDelete }: EntryProps) {
  const { t, day } = useTexts();
  const title = written(thread.title) || t("chat.untitled");
  const [name, setName] = useState(title);

  if (mode === "rename") {
    return (
      <li>
        <Form
          onSend={() => onRename(written(name))}
          className="flex flex-wrap gap-2 rounded-xl bg-sunken p-2.5"
        >
          <input
            autoFocus
            dir="auto"
            className="field min-w-40 flex-1"
            aria-label={t("chat.name")}
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.preventDefault();
              onMode(null);
            }}
          />
          <button type="submit" className="btn btn-primary">
            {t("chat.save")}
          </button>
        </Form>
      </li>
    );
  }
  if (mode === "delete") {
    return (
      <li className="rounded-xl bg-bad-soft p-3">
        <p className="text-sm">{t("chat.delete_confirm")}</p>
        <p dir="auto" className="truncate text-sm font-semibold">
          {title}
        </p>
        <div className="mt-2.5 flex gap-2">
          <button type="button" className="btn bg-bad text-white" autoFocus onClick={onDelete}>
            {t("chat.delete_yes")}
          </button>
          <button type="button" className="btn btn-quiet" onClick={() => onMode(null)}>
            {t("chat.keep")}
          </button>
        </div>
      </li>
    );
  }
  return (
    <li
      className={`group flex items-center rounded-xl pe-1 transition-colors hover:bg-sunken ${
        isCurrent ? "bg-sunken" : ""
      }`}
    >
      <button
        type="button"
        aria-current={isCurrent ? "true" : undefined}
        className="min-w-0 flex-1 rounded-xl px-3 py-2.5 text-start"
        onClick={onOpen}
      >
        <span dir="auto" className="block truncate text-sm font-medium">
          {title}
        </span>
        <span className="block text-xs text-muted">{day(new Date(thread.created_at))}</span>
      </button>
      <button
        type="button"
        className="icon-btn"
        aria-label={t("chat.rename", { title })}
        onClick={() => {
          setName(title);
          onMode("rename");
        }}
      >
        <PencilIcon size={16} />
      </button>
      <button
        type="button"
        className="icon-btn hover:text-bad"
        aria-label={t("chat.delete", { title })}
        onClick={() => onMode("delete")}
      >
        <TrashIcon size={16} />
      </button>
    </li>
  );
}
