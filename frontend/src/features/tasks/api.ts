/** The task list's REST API, as the signed-in person. */
import { bearer } from "@/lib/bearer";
import { READS, retrying, WRITES, type Verdict } from "@/lib/backoff";
import { problemFrom, problemOf } from "@/lib/problems";
import type { TokenCache } from "@/lib/tokens";
import type { Filter, Task, TaskChanges, TaskDraft, TaskPage } from "./task";

const PAGE_SIZE = 50;

export class TasksApi {
  private readonly base: string;

  constructor(
    baseUrl: string,
    userId: string,
    private readonly tokens: TokenCache,
    private readonly locale: () => string,
    private readonly send: typeof fetch = (input, init) => fetch(input, init),
  ) {
    this.base = `${baseUrl}/api/${pathSegment(userId)}/tasks`;
  }

  list(
    { filter, query, after }: { filter: Filter; query: string; after?: string | null },
    signal?: AbortSignal,
  ): Promise<TaskPage> {
    const params = new URLSearchParams({ limit: String(PAGE_SIZE) });
    if (filter !== "all") params.set("completed", String(filter === "done"));
    if (query) params.set("q", query);
    if (after) params.set("after", after);
    return this.request<TaskPage>("GET", `?${params}`, { signal });
  }

  add(draft: TaskDraft): Promise<Task> {
    return this.request<Task>("POST", "", { body: draft, key: crypto.randomUUID() });
  }

  change(id: string, changes: TaskChanges): Promise<Task> {
    return this.request<Task>("PATCH", `/${encodeURIComponent(id)}`, { body: changes });
  }

  async remove(id: string): Promise<void> {
    try {
      await this.request("DELETE", `/${encodeURIComponent(id)}`, {});
    } catch (error) {
      // Gone already, perhaps by a first attempt whose answer was lost.
      if (problemOf(error).kind !== "not_found") throw error;
    }
  }

  private async request<T>(
    method: string,
    path: string,
    { body, key, signal }: { body?: object; key?: string; signal?: AbortSignal },
  ): Promise<T> {
    const send = async (token: string) => {
      const text = body && JSON.stringify(body);
      const headers: Record<string, string> = {
        ...bearer(token, text),
        "accept-language": this.locale(),
      };
      if (body) headers["content-type"] = "application/json";
      if (key) headers["idempotency-key"] = key;
      return this.send(this.base + path, {
        method,
        headers,
        body: text,
        signal,
        credentials: "omit",
      });
    };
    return retrying(
      async () => {
        const token = await this.tokens.get();
        let response = await send(token);
        if (response.status === 401) response = await send(await this.tokens.replace(token));
        if (!response.ok) throw await problemFrom(response);
        return (response.status === 204 ? undefined : await response.json()) as T;
      },
      judge,
      method === "GET" ? READS : WRITES,
      { signal },
    ).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw problemOf(error);
    });
  }
}

/** Every request here may be sent twice: reads, changes to a value, and an addition with a key. */
function judge(error: unknown): Verdict {
  const problem = problemOf(error);
  if (!problem.retryable || problem.kind === "sign_in") return { retry: false };
  return { retry: true, afterMs: problem.retryAfterMs };
}

/** A person's id as a segment of a path; ids are opaque, so that one may even be a step of a path,
 * which every browser takes, encoded too, and the server knows encoded twice. */
function pathSegment(userId: string): string {
  return /^\.\.?$/.test(userId) ? userId.replaceAll(".", "%252E") : encodeURIComponent(userId);
}
