/**
 * The frame reducer: a conversation, and what each frame does to it. Pure.
 *
 * The law it keeps: folding a run's frames over the thread as it was gives the thread as the API
 * would give it afterwards. Replaying a frame that was already folded changes nothing that is
 * final, so a resumed stream may overlap what a reload has fetched.
 */
import type {
  AssistantContent,
  AssistantMessageItem,
  ClientEffect,
  ErrorEvent,
  ItemUpdate,
  NoticeEvent,
  Thread,
  ThreadEvent,
  ThreadItem,
  WidgetNode,
  WorkflowTask,
} from "./protocol";

/** The effect with which a retry says what it took away. */
export const ITEMS_REMOVED = "thread.items_removed";

export interface Conversation {
  thread: Omit<Thread, "items"> | null;
  items: readonly ThreadItem[];
  /** Ids of items that were announced and are not final yet. */
  open: ReadonlySet<string>;
  progress: { text: string; icon?: string | null } | null;
  allowCancel: boolean;
  error: ErrorEvent | null;
  notices: readonly NoticeEvent[];
}

export const EMPTY: Conversation = {
  thread: null,
  items: [],
  open: new Set(),
  progress: null,
  allowCancel: false,
  error: null,
  notices: [],
};

/** The conversation that a thread loaded from the API stands for. */
export function fromThread(thread: Thread): Conversation {
  const { items, ...head } = thread;
  return { ...EMPTY, thread: head, items: items.data };
}

/** A run is about to begin: what the last one left for it alone is gone. */
export function beginRun(state: Conversation): Conversation {
  return {
    ...state,
    open: new Set(),
    progress: null,
    allowCancel: false,
    error: null,
    notices: [],
  };
}

/** A run is over, however it ended. */
export function endRun(state: Conversation): Conversation {
  return { ...state, open: new Set(), progress: null, allowCancel: false };
}

/** Items that the API never shows. */
export function isHidden(item: ThreadItem): boolean {
  return item.type === "hidden_context_item" || item.type === "sdk_hidden_context";
}

export function fold(state: Conversation, event: ThreadEvent): Conversation {
  switch (event.type) {
    case "thread.created":
    case "thread.updated": {
      const { items, ...head } = event.thread;
      // A conversation that is begun while another one is shown has nothing of it.
      const isOther = state.thread !== null && state.thread.id !== head.id;
      let next: Conversation = { ...(isOther ? EMPTY : state), thread: head };
      for (const item of items?.data ?? []) next = put(next, item, false);
      return next;
    }
    case "thread.item.added":
      return isFinal(state, event.item.id) ? state : put(state, event.item, true);
    case "thread.item.done":
      return put(state, event.item, false);
    case "thread.item.replaced":
      return put(state, event.item, state.open.has(event.item.id));
    case "thread.item.updated":
      // A replay may tell again how a final item came to be.
      return isFinal(state, event.item_id)
        ? foldFinal(state, event.item_id, event.update)
        : change(state, event.item_id, (item) => update(item, event.update));
    case "thread.item.removed":
      return {
        ...state,
        items: state.items.filter((item) => item.id !== event.item_id),
        open: without(state.open, event.item_id),
      };
    case "stream_options":
      return { ...state, allowCancel: event.stream_options.allow_cancel };
    case "progress_update":
      return { ...state, progress: { text: event.text, icon: event.icon } };
    case "error":
      return { ...state, error: event, progress: null };
    case "notice":
      return { ...state, notices: [...state.notices, event] };
    case "client_effect":
      return event.name === ITEMS_REMOVED ? withoutBetween(state, event.data) : state;
    default:
      // A newer server may send events that this page does not know.
      return state;
  }
}

/** A retry took away what stood after its message, up to the new answer. */
function withoutBetween(state: Conversation, data: ClientEffect["data"]): Conversation {
  const at = (id: unknown) => state.items.findIndex((item) => item.id === id);
  const after = at(data?.after);
  const before = data?.before == null ? state.items.length : at(data.before);
  if (after < 0 || before < 0) return state;
  return { ...state, items: state.items.toSpliced(after + 1, before - after - 1) };
}

function isFinal(state: Conversation, id: string): boolean {
  return !state.open.has(id) && state.items.some((item) => item.id === id);
}

/** Widgets may change after they are done; text and tool traces may not. */
function foldFinal(state: Conversation, id: string, change_: ItemUpdate): Conversation {
  return change_.type.startsWith("widget.")
    ? change(state, id, (item) => update(item, change_))
    : state;
}

function put(state: Conversation, item: ThreadItem, open: boolean): Conversation {
  if (isHidden(item)) return state;
  const index = state.items.findIndex(({ id }) => id === item.id);
  const items = index < 0 ? [...state.items, item] : state.items.with(index, item);
  const ids = open ? new Set([...state.open, item.id]) : without(state.open, item.id);
  // The first words of an answer make the progress line pointless.
  const progress = item.type === "assistant_message" ? null : state.progress;
  return { ...state, items, open: ids, progress };
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  if (!ids.has(id)) return ids;
  const next = new Set(ids);
  next.delete(id);
  return next;
}

function change(
  state: Conversation,
  id: string,
  by: (item: ThreadItem) => ThreadItem,
): Conversation {
  const index = state.items.findIndex((item) => item.id === id);
  const item = state.items[index];
  if (!item) return state;
  const next = by(item);
  return next === item ? state : { ...state, items: state.items.with(index, next) };
}

function update(item: ThreadItem, change_: ItemUpdate): ThreadItem {
  switch (change_.type) {
    case "assistant_message.content_part.added":
    case "assistant_message.content_part.done":
      return onPart(item, change_.content_index, () => change_.content);
    case "assistant_message.content_part.text_delta":
      return onPart(item, change_.content_index, (part) => ({
        ...part,
        text: part.text + change_.delta,
      }));
    case "assistant_message.content_part.annotation_added":
      return onPart(item, change_.content_index, (part) => ({
        ...part,
        annotations: putAt(part.annotations, change_.annotation_index, change_.annotation),
      }));
    case "workflow.task.added":
    case "workflow.task.updated": {
      if (item.type === "task") return { ...item, task: change_.task };
      if (item.type !== "workflow") return item;
      const tasks = putAt<WorkflowTask>(item.workflow.tasks, change_.task_index, change_.task);
      return { ...item, workflow: { ...item.workflow, tasks } };
    }
    case "widget.root.updated":
      return item.type === "widget" ? { ...item, widget: change_.widget } : item;
    case "widget.component.updated":
      return onComponent(item, change_.component_id, () => change_.component);
    case "widget.streaming_text.value_delta":
      return onComponent(item, change_.component_id, (node) => ({
        ...node,
        value: String(node.value ?? "") + change_.delta,
        streaming: !change_.done,
      }));
    case "generated_image.updated":
      return item.type === "generated_image" ? { ...item, image: change_.image } : item;
    default:
      return item;
  }
}

const EMPTY_PART: AssistantContent = { type: "output_text", text: "", annotations: [] };

function onPart(
  item: ThreadItem,
  index: number,
  by: (part: AssistantContent) => AssistantContent,
): ThreadItem {
  if (item.type !== "assistant_message") return item;
  const part = item.content[index] ?? EMPTY_PART;
  const content = putAt(item.content, index, by(part));
  return { ...item, content } satisfies AssistantMessageItem;
}

/** Put a value at an index, or at the end when the index lies beyond it. */
function putAt<T>(list: readonly T[] | undefined, index: number, value: T): T[] {
  const values = [...(list ?? [])];
  values[Math.min(index, values.length)] = value;
  return values;
}

function onComponent(
  item: ThreadItem,
  id: string,
  by: (node: WidgetNode) => WidgetNode,
): ThreadItem {
  if (item.type !== "widget") return item;
  const widget = onNode(item.widget, id, by);
  return widget === item.widget ? item : { ...item, widget };
}

function onNode(node: WidgetNode, id: string, by: (node: WidgetNode) => WidgetNode): WidgetNode {
  if (node.id === id) return by(node);
  const { children } = node;
  if (!children) return node;
  if (!Array.isArray(children)) {
    const child = onNode(children, id, by);
    return child === children ? node : { ...node, children: child };
  }
  const next = children.map((child) => onNode(child, id, by));
  return next.every((child, index) => child === children[index])
    ? node
    : { ...node, children: next };
}
