"use client";
/** A tick: an action of its own, or a field of a form. */
import { actionOf, withValue } from "./actions";
import { text, type NodeProps } from "./node";

export function Checkbox({ node, disabled, onAction }: NodeProps) {
  const name = text(node.name);
  const label = text(node.label);
  const action = actionOf(node.onChangeAction);
  const isChecked = Boolean(node.defaultChecked);
  return (
    <label className="flex items-center gap-2 text-xs text-muted">
      <input
        type="checkbox"
        name={name}
        disabled={disabled || Boolean(node.disabled)}
        className="size-4.5 shrink-0 accent-brand-strong"
        aria-label={label || name}
        // One with an action shows what the server knows; one in a form, what the person chose.
        {...(action ? { checked: isChecked } : { defaultChecked: isChecked })}
        onChange={(event) => {
          if (action) onAction(withValue(action, name, event.target.checked));
        }}
      />
      {label && <span dir="auto">{label}</span>}
    </label>
  );
}
