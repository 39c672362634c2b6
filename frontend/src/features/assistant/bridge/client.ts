/** The chat API as our own panel uses it: requests, streams of events, and following a run. */
import { nextPage, type Page } from "@/lib/pages";
import { problemFrom } from "@/lib/problems";
import { CHAT_PATH } from "./fetch";
import type {
  Attachment,
  RunStatus,
  StreamingRequest,
  Thread,
  ThreadEvent,
  ThreadItem,
} from "./protocol";
import { runEvents, type RunEventsOptions } from "./run-events";

export interface Run {
  run_id: string;
  status: RunStatus;
}

export interface StreamHandlers {
  onEvent: (event: ThreadEvent) => void;
  /** The thread of the run, as soon as the API names it. */
  onThread?: (threadId: string) => void;
  /** The connection broke (true) or is back (false). */
  onBroken?: (broken: boolean) => void;
  signal?: AbortSignal;
}

/** How much of a thread is fetched at once, newest first. */
const ITEMS_PAGE = 50;

export class ChatClient {
  constructor(
    private readonly baseUrl: string,
    private readonly fetch: typeof globalThis.fetch,
    private readonly random: () => number = Math.random,
  ) {}

  async listThreads(after?: string): Promise<Page<Thread>> {
    return this.json("threads.list", { limit: 30, order: "desc", after });
  }

  /** Give the threads after the cursor of the last page; `known` are those of the pages so far. */
  async moreThreads(after: string, known: readonly Thread[]): Promise<Page<Thread>> {
    return nextPage((cursor) => this.listThreads(cursor), after, known);
  }

  /** Give a thread with its latest items; `items.after` leads to the ones before. */
  async loadThread(threadId: string): Promise<Thread> {
    const thread = await this.json<Thread>("threads.get_by_id", { thread_id: threadId });
    if (!thread.items.has_more) return thread;
    return { ...thread, items: oldestFirst(await this.latestItems(threadId)) };
  }

  /** Give the items before the cursor `before`, oldest first; `known` are those after it. */
  async earlierItems(
    threadId: string,
    before: string,
    known: readonly ThreadItem[],
  ): Promise<Page<ThreadItem>> {
    const read = (cursor?: string) => this.latestItems(threadId, cursor);
    return oldestFirst(await nextPage(read, before, known));
  }

  /** Give the items before a cursor, or the last ones, newest first. */
  private async latestItems(threadId: string, before?: string): Promise<Page<ThreadItem>> {
    return this.json("items.list", {
      thread_id: threadId,
      limit: ITEMS_PAGE,
      order: "desc",
      after: before,
    });
  }

  async renameThread(threadId: string, title: string): Promise<void> {
    await this.json("threads.update", { thread_id: threadId, title });
  }

  async deleteThread(threadId: string): Promise<void> {
    await this.json("threads.delete", { thread_id: threadId });
  }

  async giveFeedback(
    threadId: string,
    itemId: string,
    kind: "positive" | "negative",
  ): Promise<void> {
    await this.json("items.feedback", { thread_id: threadId, item_ids: [itemId], kind });
  }

  /** Announce a file of a type and upload it where the API says. */
  async attach(file: File, type: string): Promise<Attachment> {
    const attachment = await this.json<Attachment>("attachments.create", {
      name: file.name,
      size: file.size,
      mime_type: type,
    });
    const target = attachment.upload_descriptor;
    if (target) {
      const response = await globalThis.fetch(target.url, {
        method: target.method,
        headers: target.headers,
        body: file,
      });
      // 412: it is there already, from a request whose answer was lost.
      if (!response.ok && response.status !== 412) throw await problemFrom(response);
    }
    return attachment;
  }

  /** Ask the API to stop what runs in a thread. The stream then ends by itself. */
  async stop(threadId: string): Promise<void> {
    const response = await this.fetch(
      `${this.baseUrl}${CHAT_PATH}/threads/${encodeURIComponent(threadId)}/stop`,
      { method: "POST" },
    );
    if (!response.ok) throw await problemFrom(response);
  }

  /** Give the last run of a thread, or null when it never had one, or is not there. */
  async lastRun(threadId: string): Promise<Run | null> {
    const response = await this.fetch(
      `${this.baseUrl}${CHAT_PATH}/threads/${encodeURIComponent(threadId)}/run`,
    );
    if (response.status === 404) return null;
    if (!response.ok) throw await problemFrom(response);
    return (await response.json()) as Run;
  }

  /**
   * Send a request and read its stream, to the end of the run, through breaks of the line. Sending
   * a request again under the `messageId` of a failed attempt repeats nothing that had happened.
   */
  async stream(
    request: StreamingRequest,
    handlers: StreamHandlers,
    messageId: string = crypto.randomUUID(),
  ): Promise<void> {
    const response = await this.fetch(this.baseUrl + CHAT_PATH, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      // The same words sent twice are two messages, each with an idempotency key of its own.
      body: JSON.stringify({ ...request, metadata: { message_id: messageId } }),
      signal: handlers.signal,
    });
    if (!response.ok) throw await problemFrom(response);
    const runId = response.headers.get("x-sidestream-run-id") ?? "";
    const threadId = response.headers.get("x-sidestream-thread-id");
    if (threadId) handlers.onThread?.(threadId);
    await this.read(runId, handlers, { first: response });
  }

  /** Follow a run from after event number `after` to its end. */
  async follow(runId: string, handlers: StreamHandlers, after = 0): Promise<void> {
    await this.read(runId, handlers, { after });
  }

  private async read(
    runId: string,
    { onEvent, onBroken, signal }: StreamHandlers,
    start: Pick<RunEventsOptions, "first" | "after">,
  ): Promise<void> {
    const path = `${this.baseUrl}${CHAT_PATH}/runs/${encodeURIComponent(runId)}/events`;
    const headers = { accept: "text/event-stream" };
    const open = (after: number) => this.fetch(`${path}?after=${after}`, { headers, signal });
    const options = { ...start, onBroken, signal, random: this.random };
    for await (const event of runEvents(open, options)) onEvent(JSON.parse(event) as ThreadEvent);
  }

  private async json<T>(type: string, params: object): Promise<T> {
    const response = await this.fetch(this.baseUrl + CHAT_PATH, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ type, params }),
    });
    if (!response.ok) throw await problemFrom(response);
    return (await response.json()) as T;
  }
}

function oldestFirst(page: Page<ThreadItem>): Page<ThreadItem> {
  return { ...page, data: [...page.data].reverse() };
}
