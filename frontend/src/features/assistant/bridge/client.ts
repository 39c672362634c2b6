/**
 * The chat API as our own panel uses it: requests, streams of events, and following a run.
 *
 * A stream that breaks is taken up again where it broke: every event carries its number, and the
 * API replays and follows a run from any number.
 */
import { pauseMs, sleep, type Backoff } from "@/lib/backoff";
import { nextPage, type Page } from "@/lib/pages";
import { problemFrom, problemOf } from "@/lib/problems";
import { CHAT_PATH } from "./fetch";
import type {
  Attachment,
  RunStatus,
  StreamingRequest,
  Thread,
  ThreadEvent,
  ThreadItem,
} from "./protocol";
import { readEvents } from "./sse";

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
  /** Whether the events so far could be all; if not, the end of a stream is looked into. */
  isWhole?: () => boolean;
  signal?: AbortSignal;
}

/** How a run's stream ended: as it should, or because the run itself died. */
export type Ending = "ended" | "interrupted";

const RESUME: Backoff = { tries: 8, baseMs: 400, maxMs: 8_000 };

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
      if (!response.ok) throw await problemFrom(response);
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

  /** Give the last run of a thread, or null when it never had one. */
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
  ): Promise<Ending> {
    const response = await this.fetch(this.baseUrl + CHAT_PATH, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      // The same words sent twice are two messages, each with an idempotency key of its own.
      body: JSON.stringify({ ...request, metadata: { message_id: messageId } }),
      signal: handlers.signal,
    });
    if (!response.ok) throw await problemFrom(response);
    const runId = response.headers.get("x-sidestream-run-id");
    const threadId = response.headers.get("x-sidestream-thread-id");
    if (threadId) handlers.onThread?.(threadId);
    const reading = { last: 0 };
    try {
      await this.read(response, handlers, reading);
      if (!runId || !threadId) return "ended";
      const ending = await this.ending(threadId, runId, handlers);
      if (ending) return ending;
    } catch (error) {
      handlers.signal?.throwIfAborted();
      if (!runId || !threadId) throw problemOf(error);
    }
    handlers.onBroken?.(true);
    return this.follow(threadId, runId, handlers, reading.last);
  }

  /** Follow a run from after event number `after` to its end. */
  async follow(
    threadId: string,
    runId: string,
    handlers: StreamHandlers,
    after = 0,
  ): Promise<Ending> {
    const reading = { last: after };
    for (let attempt = 1; ; attempt++) {
      const before = reading.last;
      try {
        const response = await this.fetch(
          `${this.baseUrl}${CHAT_PATH}/runs/${encodeURIComponent(runId)}/events?after=${reading.last}`,
          { headers: { accept: "text/event-stream" }, signal: handlers.signal },
        );
        if (!response.ok) throw await problemFrom(response);
        handlers.onBroken?.(false);
        await this.read(response, handlers, reading);
        const ending = await this.ending(threadId, runId, handlers);
        if (ending) return ending;
        throw new TypeError("The stream ended before its run.");
      } catch (error) {
        handlers.signal?.throwIfAborted();
        if (reading.last > before) attempt = 1;
        const problem = problemOf(error);
        if (!problem.retryable || attempt >= RESUME.tries) throw problem;
        handlers.onBroken?.(true);
        await sleep(problem.retryAfterMs ?? pauseMs(attempt, RESUME, this.random), handlers.signal);
      }
    }
  }

  /**
   * How a run ended whose stream has ended; null when it still runs. A body may also end cleanly
   * before its run does, as when a proxy gives up.
   */
  private async ending(
    threadId: string,
    runId: string,
    handlers: StreamHandlers,
  ): Promise<Ending | null> {
    if (handlers.isWhole?.()) return "ended";
    const run = await this.lastRun(threadId);
    if (run?.run_id !== runId) return "ended";
    if (run.status === "running") return null;
    return run.status === "failed" ? "interrupted" : "ended";
  }

  private async read(
    response: Response,
    handlers: StreamHandlers,
    reading: { last: number },
  ): Promise<void> {
    if (!response.body) return;
    for await (const frame of readEvents(response.body)) {
      handlers.onEvent(JSON.parse(frame.data) as ThreadEvent);
      // Events are numbered from 1 within their run; a live stream may leave the ids out.
      reading.last = Number(frame.id) || reading.last + 1;
    }
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
