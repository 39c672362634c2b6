"use client";
/** Where a person writes: text, files, the model, send and stop. */
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Form } from "@/components/Form";
import { ArrowUpIcon, ClipIcon, CloseIcon, FileIcon, StopIcon } from "@/components/icons";
import { scriptClass } from "@/lib/i18n/script";
import { written } from "@/lib/text";
import { fileType, offered } from "../bridge/files";
import { disclaimer } from "../bridge/health";
import type { Attachment } from "../bridge/protocol";
import { useChat } from "../ChatProvider";
import { COMPOSER_ID } from "../useComposerFocus";
import { useTexts } from "../useTexts";
import type { ConversationControl } from "./useConversation";

const MAX_MESSAGE_CHARS = 8_000;
const MEGABYTE = 1_000_000;

interface Upload {
  key: string;
  name: string;
  attachment: Attachment | null;
}

export function Composer({ control }: { control: ConversationControl }) {
  const texts = useTexts();
  const { t, language } = texts;
  const { client, health, settleFocus } = useChat();
  const [text, setText] = useState("");
  const [model, setModel] = useState<string>();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [uploadErrors, setUploadErrors] = useState<string[]>([]);
  const box = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);

  const { phase, conversation, failed, outgoing } = control;
  const status = conversation.thread?.status;
  const isLocked = status !== undefined && status.type !== "active";
  const isAnswering = phase === "answering" || phase === "reconnecting" || phase === "stopping";
  const canSend =
    phase === "idle" &&
    !isLocked &&
    (written(text) !== "" || uploads.length > 0) &&
    uploads.every(({ attachment }) => attachment);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  useEffect(settleFocus, [settleFocus]);

  // A message that the API refused comes back to be changed, when the box is free.
  const [givenBack, setGivenBack] = useState<unknown>(null);
  if (failed && outgoing && !failed.again && givenBack !== failed) {
    setGivenBack(failed);
    if (!text) setText(outgoing.text);
  }
  useEffect(() => {
    if (givenBack) control.takeBack();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for each message given back
  }, [givenBack]);

  function send() {
    if (!canSend) return;
    const attachments = uploads.flatMap(({ attachment }) => (attachment ? [attachment] : []));
    control.send(written(text), attachments, model);
    setText("");
    setUploads([]);
    setUploadErrors([]);
    box.current?.focus();
  }

  async function attach(list: FileList) {
    const rules = health?.attachments;
    if (!rules) return;
    const { max_count: count, max_bytes } = rules;
    const refuse = (words: string) => setUploadErrors((known) => [...known, words]);
    setUploadErrors([]);
    const chosen = [...list];
    const taken = chosen.slice(0, Math.max(0, count - uploads.length));
    if (taken.length < chosen.length) refuse(t("chat.attachment_many", { count }));
    for (const file of taken) {
      const found = fileType(file, rules);
      if ("fault" in found) {
        const size = Math.floor(max_bytes / MEGABYTE);
        refuse(t(`chat.attachment_${found.fault}`, { name: file.name, size }));
        continue;
      }
      const key = crypto.randomUUID();
      setUploads((known) => [...known, { key, name: file.name, attachment: null }]);
      try {
        const attachment = await client.attach(file, found.type);
        setUploads((known) =>
          known.map((upload) => (upload.key === key ? { ...upload, attachment } : upload)),
        );
      } catch {
        setUploads((known) => known.filter((upload) => upload.key !== key));
        refuse(t("chat.attachment_failed", { name: file.name }));
      }
    }
  }

  if (isLocked) {
    return (
      <p className="shrink-0 border-t border-line p-5 text-center text-sm text-muted">
        {("reason" in status && status.reason) || t("chat.locked")}
      </p>
    );
  }

  const models = health?.models ?? [];
  return (
    <Form className="relative shrink-0 px-3 pt-1 pb-3 short:pb-1.5" onSend={send}>
      <div className="rounded-2xl border short:flex short:flex-wrap short:items-end border-line-strong bg-surface p-1.5 focus-within:border-brand-strong focus-within:ring-1 focus-within:ring-brand-strong">
        {(uploads.length > 0 || uploadErrors.length > 0) && (
          <div className="flex w-full flex-wrap gap-1.5 p-1.5">
            {uploads.map((upload) => (
              <span
                key={upload.key}
                className="flex max-w-full items-center gap-1.5 rounded-lg bg-sunken ps-2.5 text-xs"
              >
                <FileIcon size={14} className={upload.attachment ? "" : "animate-breathe"} />
                <span dir="auto" className="truncate">
                  {upload.name}
                </span>
                {!upload.attachment && (
                  <span role="status" className="sr-only">
                    {t("chat.attachment_uploading", { name: upload.name })}
                  </span>
                )}
                <button
                  type="button"
                  className="icon-btn size-7"
                  aria-label={t("chat.attachment_remove", { name: upload.name })}
                  onClick={() => setUploads(uploads.filter(({ key }) => key !== upload.key))}
                >
                  <CloseIcon size={13} />
                </button>
              </span>
            ))}
            {uploadErrors.length > 0 && (
              <div role="alert" className="w-full space-y-1 px-1 text-xs text-bad">
                {uploadErrors.map((words, index) => (
                  <p key={index}>{words}</p>
                ))}
              </div>
            )}
          </div>
        )}
        <textarea
          ref={box}
          id={COMPOSER_ID}
          rows={1}
          dir={text ? "auto" : undefined}
          className={`block max-h-[min(11.25rem,25dvh)] min-h-10 w-full resize-none bg-transparent short:w-40 short:flex-1 px-3 py-2 text-[max(var(--text-base),16px)] outline-none placeholder:text-muted ${
            scriptClass(text, language.typeface) ||
            "leading-6 nastaliq:min-h-12 nastaliq:leading-[2]"
          }`}
          placeholder={t("assistant.placeholder")}
          aria-label={t("chat.message")}
          maxLength={MAX_MESSAGE_CHARS}
          enterKeyHint="send"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey) return;
            event.preventDefault();
            send();
          }}
        />
        <div className="flex items-center gap-1">
          {health?.attachments && (
            <>
              <input
                ref={files}
                type="file"
                multiple
                hidden
                accept={offered(health.attachments)}
                onChange={(event) => {
                  if (event.target.files) void attach(event.target.files);
                  event.target.value = "";
                }}
              />
              <button
                type="button"
                className="icon-btn"
                aria-label={t("chat.attach")}
                disabled={uploads.length >= health.attachments.max_count}
                title={t("chat.attach")}
                onClick={() => files.current?.click()}
              >
                <ClipIcon />
              </button>
            </>
          )}
          {models.length > 1 && (
            <select
              className="h-9 max-w-40 rounded-lg bg-transparent px-2 text-xs text-muted hover:bg-sunken"
              aria-label={t("chat.model")}
              value={model ?? models[0]}
              onChange={(event) => setModel(event.target.value)}
            >
              {models.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
          <span className="flex-1" />
          {isAnswering ? (
            <button
              type="button"
              className="grid size-9 place-items-center rounded-full bg-ink text-white disabled:opacity-50"
              aria-label={t("chat.stop")}
              title={t("chat.stop")}
              disabled={phase === "stopping"}
              onClick={control.stop}
            >
              <StopIcon />
            </button>
          ) : (
            <button
              type="submit"
              className="grid size-9 place-items-center rounded-full bg-brand text-brand-ink transition-colors hover:bg-brand-hover disabled:bg-sunken disabled:text-muted"
              aria-label={t("chat.send")}
              title={t("chat.send")}
              disabled={!canSend}
            >
              <ArrowUpIcon />
            </button>
          )}
        </div>
      </div>
      <p className="mt-2 text-center text-xs text-muted short:sr-only">
        {disclaimer(health, texts)}
      </p>
    </Form>
  );
}
