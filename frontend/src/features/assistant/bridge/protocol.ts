/**
 * The ChatKit protocol, as far as this page speaks it: requests, events, updates and items.
 *
 * Names and shapes are those of `chatkit/types.py` in openai-chatkit 1.6.5. Fields that the page
 * never reads are left out; unknown fields are kept as they came.
 */
import type { Page } from "@/lib/pages";

export type ThreadStatus = { type: "active" } | { type: "locked" | "closed"; reason?: string };

export interface Thread {
  id: string;
  title?: string | null;
  created_at: string;
  status: ThreadStatus;
  items: Page<ThreadItem>;
}

interface ItemBase {
  id: string;
  thread_id: string;
  created_at: string;
}

export interface Attachment {
  id: string;
  type: "file" | "image";
  name: string;
  mime_type: string;
  preview_url?: string;
  upload_descriptor?: {
    url: string;
    method: "POST" | "PUT";
    headers?: Record<string, string>;
  } | null;
}

export type UserContent =
  | { type: "input_text"; text: string }
  | { type: "input_tag"; id: string; text: string; data: Record<string, unknown> };

export interface Source {
  type: "url" | "file" | "entity";
  title: string;
  id?: string;
  data?: Record<string, unknown>;
  description?: string;
  url?: string;
  filename?: string;
}

export interface Annotation {
  type: "annotation";
  source: Source;
  index?: number | null;
}

export interface AssistantContent {
  type: "output_text";
  text: string;
  annotations: Annotation[];
}

export interface WorkflowTask {
  type: "custom" | "web_search" | "thought" | "file" | "image";
  status_indicator?: "none" | "loading" | "complete";
  title?: string | null;
  title_query?: string | null;
  icon?: string | null;
  content?: string | null;
  queries?: string[];
  sources?: Source[];
}

export interface Workflow {
  type: "custom" | "reasoning";
  tasks: WorkflowTask[];
  summary?: { title: string; icon?: string | null } | { duration: number } | null;
  expanded?: boolean;
}

export interface Action {
  type: string;
  payload?: unknown;
  handler?: "client" | "server";
}

export interface WidgetNode {
  type: string;
  id?: string | null;
  key?: string | null;
  children?: WidgetNode[] | WidgetNode | null;
  [prop: string]: unknown;
}

export interface StructuredAnswer {
  values: string[];
  skipped: boolean;
}

export interface StructuredInput {
  type: "multiple_choice" | "freeform";
  id: string;
  question: string;
  answer?: StructuredAnswer | null;
  options?: { value: string }[];
  multiple?: boolean;
  description?: string | null;
}

export interface GeneratedImage {
  id: string;
  url: string;
}

export type UserMessageItem = ItemBase & {
  type: "user_message";
  content: UserContent[];
  attachments: Attachment[];
  quoted_text?: string | null;
};
export type AssistantMessageItem = ItemBase & {
  type: "assistant_message";
  content: AssistantContent[];
};
export type ClientToolCallItem = ItemBase & {
  type: "client_tool_call";
  status: "pending" | "completed";
  call_id: string;
  name: string;
  arguments: Record<string, unknown>;
  output?: unknown;
};
export type WidgetItem = ItemBase & {
  type: "widget";
  widget: WidgetNode;
  copy_text?: string | null;
};
export type GeneratedImageItem = ItemBase & {
  type: "generated_image";
  image?: GeneratedImage | null;
};
export type StructuredInputItem = ItemBase & {
  type: "structured_input";
  status: "pending" | "answered" | "skipped";
  inputs: StructuredInput[];
};
export type WorkflowItem = ItemBase & { type: "workflow"; workflow: Workflow };
export type TaskItem = ItemBase & { type: "task"; task: WorkflowTask };
export type HiddenItem = ItemBase & {
  type: "hidden_context_item" | "sdk_hidden_context";
  content?: unknown;
};
export type EndOfTurnItem = ItemBase & { type: "end_of_turn" };

export type ThreadItem =
  | UserMessageItem
  | AssistantMessageItem
  | ClientToolCallItem
  | WidgetItem
  | GeneratedImageItem
  | StructuredInputItem
  | WorkflowItem
  | TaskItem
  | HiddenItem
  | EndOfTurnItem;

export type ItemUpdate =
  | {
      type: "assistant_message.content_part.added" | "assistant_message.content_part.done";
      content_index: number;
      content: AssistantContent;
    }
  | {
      type: "assistant_message.content_part.text_delta";
      content_index: number;
      delta: string;
    }
  | {
      type: "assistant_message.content_part.annotation_added";
      content_index: number;
      annotation_index: number;
      annotation: Annotation;
    }
  | {
      type: "widget.streaming_text.value_delta";
      component_id: string;
      delta: string;
      done: boolean;
    }
  | { type: "widget.root.updated"; widget: WidgetNode }
  | { type: "widget.component.updated"; component_id: string; component: WidgetNode }
  | {
      type: "workflow.task.added" | "workflow.task.updated";
      task_index: number;
      task: WorkflowTask;
    }
  | { type: "generated_image.updated"; image: GeneratedImage; progress?: number | null };

export interface ErrorEvent {
  type: "error";
  code: string;
  message?: string | null;
  allow_retry?: boolean;
}

export interface NoticeEvent {
  type: "notice";
  level: "info" | "warning" | "danger";
  message: string;
  title?: string | null;
}

export interface ClientEffect {
  type: "client_effect";
  name: string;
  data?: Record<string, unknown>;
}

export type ThreadEvent =
  | { type: "thread.created" | "thread.updated"; thread: Thread }
  | {
      type: "thread.item.added" | "thread.item.done" | "thread.item.replaced";
      item: ThreadItem;
    }
  | { type: "thread.item.updated"; item_id: string; update: ItemUpdate }
  | { type: "thread.item.removed"; item_id: string }
  | { type: "stream_options"; stream_options: { allow_cancel: boolean } }
  | { type: "progress_update"; icon?: string | null; text: string }
  | ClientEffect
  | ErrorEvent
  | NoticeEvent;

export interface MessageInput {
  content: UserContent[];
  attachments: string[];
  quoted_text?: string;
  inference_options: { model?: string };
}

/** Requests answered by a stream of events. */
export type StreamingRequest =
  | { type: "threads.create"; params: { input: MessageInput } }
  | { type: "threads.add_user_message"; params: { thread_id: string; input: MessageInput } }
  | {
      type: "threads.add_structured_input";
      params: {
        thread_id: string;
        item_id: string;
        input: { status: "answered" | "skipped"; answers: Record<string, StructuredAnswer> };
      };
    }
  | { type: "threads.retry_after_item"; params: { thread_id: string; item_id: string } }
  | {
      type: "threads.custom_action";
      params: { thread_id: string; item_id?: string; action: Action };
    };

export const STREAMING_TYPES: ReadonlySet<string> = new Set([
  "threads.create",
  "threads.add_user_message",
  "threads.add_client_tool_output",
  "threads.add_structured_input",
  "threads.retry_after_item",
  "threads.custom_action",
]);

/** Requests that change nothing, and so may be sent again without a key. */
export const READ_TYPES: ReadonlySet<string> = new Set([
  "threads.get_by_id",
  "threads.list",
  "items.list",
]);

export type RunStatus = "running" | "completed" | "stopped" | "failed";
