"use client";
/** What a person fills in or chooses: text, a date, one of several options. */
import { actionOf, withValue } from "./actions";
import { text, type NodeProps } from "./node";

interface Option {
  value: string;
  label: string;
  disabled?: boolean;
}

export function Field({ node, disabled, onAction }: NodeProps) {
  const name = text(node.name);
  const common = {
    name,
    disabled: disabled || Boolean(node.disabled),
    required: Boolean(node.required),
    "aria-label": text(node.ariaLabel) || text(node.placeholder) || name,
  };
  const options = (Array.isArray(node.options) ? node.options : []) as Option[];
  const changed = (value: string) => {
    const action = actionOf(node.onChangeAction);
    if (action) onAction(withValue(action, name, value));
  };
  switch (node.type) {
    case "Textarea":
      return (
        <textarea
          {...common}
          dir="auto"
          className="field"
          rows={Number(node.rows) || 3}
          placeholder={text(node.placeholder)}
          defaultValue={text(node.defaultValue)}
        />
      );
    case "Select":
      return (
        <select
          {...common}
          className="field"
          defaultValue={text(node.defaultValue)}
          onChange={(event) => changed(event.target.value)}
        >
          {text(node.placeholder) && <option value="">{text(node.placeholder)}</option>}
          {options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.disabled}>
              {option.label}
            </option>
          ))}
        </select>
      );
    case "RadioGroup":
      return (
        <div role="radiogroup" aria-label={common["aria-label"]} className="space-y-1.5">
          {options.map((option) => (
            <label key={option.value} className="flex items-center gap-2">
              <input
                type="radio"
                name={name}
                value={option.value}
                defaultChecked={node.defaultValue === option.value}
                disabled={common.disabled || option.disabled}
                className="size-4 accent-brand-strong"
                onChange={(event) => changed(event.target.value)}
              />
              <span dir="auto">{option.label}</span>
            </label>
          ))}
        </div>
      );
    case "DatePicker":
      return (
        <input
          {...common}
          type="date"
          className="field"
          defaultValue={text(node.defaultValue).slice(0, 10)}
          onChange={(event) => changed(event.target.value)}
        />
      );
    default:
      return (
        <input
          {...common}
          type={text(node.inputType) || "text"}
          dir="auto"
          className="field"
          placeholder={text(node.placeholder)}
          defaultValue={text(node.defaultValue)}
        />
      );
  }
}
