"use client";
/** Questions that the assistant asks in a form: choices, or words of one's own. */
import { useId, useState } from "react";
import { Form } from "@/components/Form";
import { written } from "@/lib/text";
import type { StructuredAnswer, StructuredInput, StructuredInputItem } from "../bridge/protocol";
import { useTexts } from "../useTexts";

interface Draft {
  chosen: string[];
  /** What is written beside the options, even if it reads like one. */
  own: string;
}

const NOTHING: Draft = { chosen: [], own: "" };

interface Props {
  item: StructuredInputItem;
  disabled: boolean;
  onAnswer: (answers: Record<string, StructuredAnswer>) => void;
}

export function StructuredInputCard({ item, disabled, onAnswer }: Props) {
  const { t } = useTexts();
  const [drafts, setDrafts] = useState<Record<string, Draft>>({});
  const name = useId();

  if (item.status !== "pending") {
    return (
      <div className="card space-y-2 p-4 text-sm shadow-none">
        {item.inputs.map((input) => (
          <div key={input.id}>
            <p dir="auto" className="break-words whitespace-pre-line text-muted">
              {input.question}
            </p>
            <p dir="auto" className="font-medium">
              {input.answer && !input.answer.skipped
                ? t("chat.answered", { answer: input.answer.values.join(", ") })
                : t("chat.skipped")}
            </p>
          </div>
        ))}
      </div>
    );
  }

  function answers(skipped: boolean): Record<string, StructuredAnswer> {
    return Object.fromEntries(
      item.inputs.map(({ id }) => {
        const { chosen, own } = drafts[id] ?? NOTHING;
        const given = [...new Set([...chosen, written(own)])].filter(Boolean);
        const isSkipped = skipped || given.length === 0;
        return [id, { values: isSkipped ? [] : given, skipped: isSkipped }];
      }),
    );
  }

  const isAnswered = Object.values(answers(false)).some(({ skipped }) => !skipped);
  return (
    <Form
      className="card space-y-4 p-4 shadow-none"
      onSend={() => {
        if (isAnswered) onAnswer(answers(false));
      }}
    >
      {item.inputs.map((input) => (
        <Question
          key={input.id}
          input={input}
          name={`${name}-${input.id}`}
          draft={drafts[input.id] ?? NOTHING}
          disabled={disabled}
          onChange={(next) => setDrafts({ ...drafts, [input.id]: next })}
        />
      ))}
      <div className="flex gap-2">
        <button type="submit" className="btn btn-primary" disabled={disabled || !isAnswered}>
          {t("chat.answer")}
        </button>
        <button
          type="button"
          className="btn btn-quiet"
          disabled={disabled}
          onClick={() => onAnswer(answers(true))}
        >
          {t("chat.skip")}
        </button>
      </div>
    </Form>
  );
}

interface QuestionProps {
  input: StructuredInput;
  name: string;
  draft: Draft;
  disabled: boolean;
  onChange: (draft: Draft) => void;
}

function Question({ input, name, draft, disabled, onChange }: QuestionProps) {
  const { t } = useTexts();
  const options = input.options?.map(({ value }) => value) ?? [];
  const { chosen, own } = draft;

  function toggle(value: string, on: boolean) {
    if (!input.multiple) onChange({ own: "", chosen: [value] });
    else onChange({ own, chosen: on ? [...chosen, value] : chosen.filter((one) => one !== value) });
  }

  function write(text: string) {
    onChange({ own: text, chosen: input.multiple || !text ? chosen : [] });
  }

  return (
    <fieldset disabled={disabled} className="space-y-2">
      <legend dir="auto" className="mb-2 text-sm font-semibold break-words whitespace-pre-line">
        {input.question}
      </legend>
      {input.description && (
        <p dir="auto" className="text-sm whitespace-pre-line text-muted">
          {input.description}
        </p>
      )}
      {options.map((value) => (
        <label
          key={value}
          className="flex cursor-pointer items-center gap-2.5 rounded-xl border border-line px-3 py-2 text-sm has-checked:border-brand-strong has-checked:bg-brand-soft"
        >
          <input
            type={input.multiple ? "checkbox" : "radio"}
            name={name}
            className="size-4 accent-brand-strong"
            checked={chosen.includes(value)}
            onChange={(event) => toggle(value, event.target.checked)}
          />
          <span dir="auto">{value}</span>
        </label>
      ))}
      <input
        type="text"
        dir="auto"
        className="field"
        placeholder={options.length > 0 ? t("chat.own_answer") : undefined}
        aria-label={
          options.length > 0 ? `${input.question}: ${t("chat.own_answer")}` : input.question
        }
        maxLength={2_000}
        value={own}
        onChange={(event) => write(event.target.value)}
      />
    </fieldset>
  );
}
