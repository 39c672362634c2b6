"use client";
/**
 * Widgets: the components that a server may compose (`chatkit/widgets.py`), as far as a task list
 * asks for them. Charts and what a later version adds say that they cannot be shown here.
 */
import { useState, type CSSProperties, type FormEvent, type ReactNode } from "react";
import type { Action, WidgetNode } from "@/lib/chat/protocol";
import { isUrduScript } from "@/lib/i18n/language";
import {
  AlertIcon,
  BoltIcon,
  CalendarIcon,
  CheckIcon,
  ChevronIcon,
  ClockIcon,
  DotIcon,
  InfoIcon,
  PencilIcon,
  PlusIcon,
  RetryIcon,
  SearchIcon,
  SparkIcon,
  TrashIcon,
} from "../icons";
import { useLanguage } from "../LanguageProvider";
import { Markdown } from "./Markdown";
import { safeHref } from "./Sources";

type OnAction = (action: Action) => void;

interface WidgetProps {
  widget: WidgetNode;
  disabled: boolean;
  onAction: OnAction;
}

interface NodeProps {
  node: WidgetNode;
  disabled: boolean;
  onAction: OnAction;
}

export function Widget({ widget, disabled, onAction }: WidgetProps) {
  return (
    <div data-widget={widget.type} className="text-sm">
      <Node node={widget} disabled={disabled} onAction={onAction} />
    </div>
  );
}

function childrenOf(node: WidgetNode): WidgetNode[] {
  const { children } = node;
  if (!children) return [];
  return Array.isArray(children) ? children : [children];
}

const text = (value: unknown) => (typeof value === "string" ? value : "");

function actionOf(value: unknown): Action | null {
  return value && typeof value === "object" && typeof (value as Action).type === "string"
    ? (value as Action)
    : null;
}

/** An action with what its form holds, under the names of the fields. */
function withForm(action: Action, form: HTMLFormElement | null): Action {
  if (!form) return action;
  const fields = Object.fromEntries(
    [...new FormData(form)].map(([name, value]) => [name, String(value)]),
  );
  const payload = action.payload;
  return {
    ...action,
    payload: { ...(payload && typeof payload === "object" ? payload : {}), ...fields },
  };
}

function Children({ node, ...rest }: NodeProps) {
  return childrenOf(node).map((child, index) => (
    <Node key={child.key ?? child.id ?? index} node={child} {...rest} />
  ));
}

function Node(props: NodeProps): ReactNode {
  const { node, onAction } = props;
  const { t } = useLanguage();
  switch (node.type) {
    case "Card":
      return <Card {...props} />;
    case "Basic":
      return (
        <div className="flex flex-col gap-2">
          <Children {...props} />
        </div>
      );
    case "ListView":
      return <ListView {...props} />;
    case "ListViewItem":
      return <ListItem {...props} />;
    case "Row":
    case "Col":
    case "Box":
      return (
        <div style={boxStyle(node)}>
          <Children {...props} />
        </div>
      );
    case "Form":
      return (
        <form
          style={boxStyle(node)}
          onSubmit={(event) => submitted(event, actionOf(node.onSubmitAction), onAction)}
        >
          <Children {...props} />
        </form>
      );
    case "Transition":
      return <Children {...props} />;
    case "Title":
      return (
        <p dir="auto" className="text-base font-semibold" style={textStyle(node)}>
          {text(node.value)}
        </p>
      );
    case "Text":
    case "Caption":
    case "Label":
      return (
        <p
          dir="auto"
          className={`break-words ${isUrduScript(text(node.value)) ? "script-urdu" : ""} ${
            node.type === "Caption" ? "text-xs text-muted" : ""
          } ${node.lineThrough ? "text-muted line-through" : ""} ${node.italic ? "italic" : ""} ${
            node.truncate ? "truncate" : ""
          }`}
          style={textStyle(node)}
        >
          {text(node.value)}
        </p>
      );
    case "Markdown":
      return <Markdown text={text(node.value)} />;
    case "Badge":
      return <Badge node={node} />;
    case "Icon":
      return <NamedIcon name={text(node.name)} />;
    case "Divider":
      return <hr className="my-1 border-line" />;
    case "Spacer":
      return <span className="flex-1" />;
    case "Image": {
      const source = safeHref(text(node.src));
      return source ? (
        // eslint-disable-next-line @next/next/no-img-element -- any size, from the server's choice
        <img src={source} alt={text(node.alt)} className="max-h-64 max-w-full rounded-xl" />
      ) : null;
    }
    case "Button":
      return <WidgetButton {...props} />;
    case "Checkbox":
      return <WidgetCheckbox {...props} />;
    case "Input":
    case "Textarea":
    case "DatePicker":
    case "Select":
    case "RadioGroup":
      return <Field {...props} />;
    default:
      return <p className="text-xs text-muted">{t("chat.unknown_widget")}</p>;
  }
}

/** A value with the name of its field, beside what an action carries already. */
function withValue(action: Action, name: string, value: unknown): Action {
  const payload = action.payload && typeof action.payload === "object" ? action.payload : {};
  return { ...action, payload: { ...payload, [name]: value } };
}

function WidgetCheckbox({ node, disabled, onAction }: NodeProps) {
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
        className="size-[18px] shrink-0 accent-brand-strong"
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

function submitted(event: FormEvent, action: Action | null, onAction: OnAction) {
  event.preventDefault();
  if (action) onAction(withForm(action, event.currentTarget as HTMLFormElement));
}

interface CardAction {
  label: string;
  action: Action;
}

function Card(props: NodeProps) {
  const { node, disabled, onAction } = props;
  const { t } = useLanguage();
  const confirm = node.confirm as CardAction | undefined;
  const cancel = node.cancel as CardAction | undefined;
  const [collapsed, setCollapsed] = useState(Boolean(node.collapsed));
  const inner = (
    <>
      <StatusLine status={node.status} />
      {collapsed ? (
        <button
          type="button"
          className="font-semibold text-brand-strong"
          onClick={() => setCollapsed(false)}
        >
          {t("tasks.more")}
        </button>
      ) : (
        <Children {...props} />
      )}
      {(confirm || cancel) && (
        <div className="mt-1 flex flex-wrap gap-2">
          {confirm && (
            <button
              type={node.asForm ? "submit" : "button"}
              className="btn btn-primary"
              disabled={disabled}
              onClick={node.asForm ? undefined : () => onAction(confirm.action)}
            >
              {confirm.label}
            </button>
          )}
          {cancel && (
            <button
              type="button"
              className="btn btn-quiet"
              disabled={disabled}
              onClick={() => onAction(cancel.action)}
            >
              {cancel.label}
            </button>
          )}
        </div>
      )}
    </>
  );
  const look = "card flex flex-col gap-2.5 p-4 shadow-none";
  return node.asForm ? (
    <form
      className={look}
      onSubmit={(event) => submitted(event, confirm?.action ?? null, onAction)}
    >
      {inner}
    </form>
  ) : (
    <div className={look}>{inner}</div>
  );
}

/** The rows shown of a long list until the rest is asked for. */
const ROWS_SHOWN = 10;

function ListView(props: NodeProps) {
  const { node } = props;
  const { t } = useLanguage();
  const rows = childrenOf(node);
  const limit = typeof node.limit === "number" ? node.limit : ROWS_SHOWN;
  const [all, setAll] = useState(false);
  const visible = all ? rows : rows.slice(0, limit);
  return (
    <div className="card overflow-hidden shadow-none">
      <StatusLine status={node.status} className="border-b border-line px-4 py-2.5" />
      <ul className="divide-y divide-line">
        {visible.map((row, index) => (
          <li key={row.key ?? row.id ?? index}>
            <Node {...props} node={row} />
          </li>
        ))}
      </ul>
      {visible.length < rows.length && (
        <button
          type="button"
          className="w-full border-t border-line px-4 py-2.5 text-start text-sm font-semibold text-brand-strong hover:bg-sunken"
          onClick={() => setAll(true)}
        >
          {t("chat.show_all", { count: rows.length })}
        </button>
      )}
    </div>
  );
}

function ListItem(props: NodeProps) {
  const { node, disabled, onAction } = props;
  const action = actionOf(node.onClickAction);
  const style: CSSProperties = { alignItems: flexAlign(node.align) ?? "center", gap: "0.75rem" };
  const look = "flex w-full px-4 py-2.5 text-start";
  if (!action) {
    return (
      <div className={look} style={style}>
        <Children {...props} />
      </div>
    );
  }
  return (
    <button
      type="button"
      disabled={disabled}
      className={`${look} transition-colors hover:bg-sunken`}
      style={style}
      onClick={() => onAction(action)}
    >
      <Children {...props} />
    </button>
  );
}

function StatusLine({ status, className = "" }: { status: unknown; className?: string }) {
  if (!status || typeof status !== "object") return null;
  const { text: words, icon } = status as { text?: string; icon?: string };
  return (
    <p className={`flex items-center gap-2 text-xs text-muted ${className}`}>
      {icon && <NamedIcon name={icon} size={14} />}
      <span dir="auto">{words}</span>
    </p>
  );
}

const BADGE_COLOURS: Readonly<Record<string, string>> = {
  success: "bg-[#e6f4f2] text-good",
  warning: "bg-warn-soft text-warn",
  danger: "bg-bad-soft text-bad",
  info: "bg-brand-soft text-brand-strong",
  discovery: "bg-brand-soft text-brand-strong",
};

function Badge({ node }: { node: WidgetNode }) {
  const colour = BADGE_COLOURS[text(node.color)] ?? "bg-sunken text-muted";
  return (
    <span
      dir="auto"
      className={`inline-block shrink-0 rounded-md px-2 py-0.5 text-xs font-medium ${colour}`}
    >
      {text(node.label)}
    </span>
  );
}

function WidgetButton({ node, disabled, onAction }: NodeProps) {
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

interface Option {
  value: string;
  label: string;
  disabled?: boolean;
}

function Field({ node, disabled, onAction }: NodeProps) {
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

const ICONS: Readonly<Record<string, typeof CheckIcon>> = {
  check: CheckIcon,
  "check-circle": CheckIcon,
  "check-circle-filled": CheckIcon,
  "empty-circle": DotIcon,
  calendar: CalendarIcon,
  clock: ClockIcon,
  info: InfoIcon,
  warning: AlertIcon,
  bolt: BoltIcon,
  plus: PlusIcon,
  write: PencilIcon,
  "write-alt": PencilIcon,
  "write-alt2": PencilIcon,
  pencil: PencilIcon,
  trash: TrashIcon,
  search: SearchIcon,
  reload: RetryIcon,
  sparkle: SparkIcon,
  "chevron-right": ChevronIcon,
};

function NamedIcon({ name, size = 17 }: { name: string; size?: number }) {
  const Found = ICONS[name.replace(/^lucide:/, "")] ?? DotIcon;
  return <Found size={size} className="shrink-0 text-muted" />;
}

const SIDES: Readonly<Record<string, string>> = {
  start: "flex-start",
  end: "flex-end",
  center: "center",
  baseline: "baseline",
  stretch: "stretch",
  between: "space-between",
  around: "space-around",
  evenly: "space-evenly",
};

function flexAlign(value: unknown): string | undefined {
  return SIDES[text(value)];
}

/** A number is in units of 4 px, as in ChatKit; text is CSS. */
function space(value: unknown): string | undefined {
  return typeof value === "number" ? `${value * 4}px` : text(value) || undefined;
}

function length(value: unknown): string | undefined {
  return typeof value === "number" ? `${value}px` : text(value) || undefined;
}

function boxStyle(node: WidgetNode): CSSProperties {
  const isRow = node.type === "Row" || (node.type !== "Col" && node.direction === "row");
  return {
    display: "flex",
    minWidth: 0,
    flexDirection: isRow ? "row" : "column",
    alignItems: flexAlign(node.align) ?? (isRow ? "center" : "stretch"),
    justifyContent: flexAlign(node.justify),
    flexWrap: node.wrap as CSSProperties["flexWrap"],
    flex: typeof node.flex === "number" || typeof node.flex === "string" ? node.flex : undefined,
    gap: space(node.gap ?? 2),
    padding: typeof node.padding === "object" ? undefined : space(node.padding),
    width: length(node.width),
    maxWidth: "100%",
  };
}

function textStyle(node: WidgetNode): CSSProperties {
  const weights: Readonly<Record<string, number>> = {
    normal: 400,
    medium: 500,
    semibold: 600,
    bold: 700,
  };
  return {
    fontWeight: weights[text(node.weight)],
    textAlign: text(node.textAlign) ? (text(node.textAlign) as "start") : undefined,
    width: length(node.width),
    minWidth: 0,
  };
}
