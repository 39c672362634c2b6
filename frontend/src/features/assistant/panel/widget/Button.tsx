"use client";
/** A button: one that sends its form, or one with an action of its own. */
import { actionOf, withForm } from "./actions";
import { NamedIcon } from "./NamedIcon";
import { text, type NodeProps } from "./node";

export function Button({ node, disabled, onAction }: NodeProps) {
  const action = actionOf(node.onClickAction);
  const label = text(node.label);
  const icon = text(node.iconStart) || text(node.iconEnd);
  const isPrimary = node.style === "primary";
  const isIconOnly = !label;
  return (
    <button
      type={node.submit ? "submit" : "button"}
      disabled={disabled || Boolean(node.disabled)}
      aria-label={isIconOnly ? icon : undefined}
      className={
        isIconOnly
          ? "icon-btn"
          : `btn min-h-8 px-3 text-xs ${isPrimary ? "btn-primary" : "btn-quiet"} ${node.block ? "w-full" : ""}`
      }
      onClick={(event) => {
        if (node.submit || !action) return;
        const form = event.currentTarget.form;
        onAction(withForm(action, form));
      }}
    >
      {text(node.iconStart) && <NamedIcon name={text(node.iconStart)} size={15} />}
      {label && <span dir="auto">{label}</span>}
      {text(node.iconEnd) && <NamedIcon name={text(node.iconEnd)} size={15} />}
    </button>
  );
}
