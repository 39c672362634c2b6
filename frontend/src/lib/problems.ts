/**
 * What can go wrong between the page and the API, in kinds a person can act on.
 *
 * The API answers RFC 9457 documents; a request that never arrived has none. Both become a
 * `Problem`, whose `kind` chooses the words that are shown.
 */

export type ProblemKind =
  | "offline"
  | "unreachable"
  | "database"
  | "model"
  | "not_configured"
  | "sign_in"
  | "forbidden"
  | "not_found"
  | "busy"
  | "locked"
  | "too_large"
  | "invalid"
  | "answer"
  | "answered"
  | "rate_limited"
  | "server";

interface ProblemFields {
  kind: ProblemKind;
  status: number;
  code: string;
  detail?: string;
  /** What is wrong with each field. */
  reasons?: readonly string[];
  retryable: boolean;
  retryAfterMs?: number;
  requestId?: string;
}

export class Problem extends Error {
  override name = "Problem";
  readonly kind: ProblemKind;
  /** 0 when no answer came. */
  readonly status: number;
  readonly code: string;
  /** What the API says of it, in the reader's language: of each field, or of the whole. */
  readonly said: string | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;

  constructor(fields: ProblemFields) {
    super(fields.detail ?? fields.code);
    this.kind = fields.kind;
    this.status = fields.status;
    this.code = fields.code;
    this.said = fields.reasons?.join(" ") || fields.detail;
    this.retryable = fields.retryable;
    this.retryAfterMs = fields.retryAfterMs;
    this.requestId = fields.requestId;
  }
}

const BY_CODE: Readonly<Record<string, ProblemKind>> = {
  database_unavailable: "database",
  outcome_unknown: "database",
  model_unavailable: "model",
  model_not_configured: "model",
  not_configured: "not_configured",
  thread_locked: "locked",
  invalid_answer: "answer",
  already_answered: "answered",
  sign_in_database: "database",
};

function kindOf(status: number, code: string): ProblemKind {
  const known = BY_CODE[code];
  if (known) return known;
  switch (status) {
    case 401:
      return "sign_in";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 409:
      return "busy";
    case 413:
      return "too_large";
    case 429:
      return "rate_limited";
    case 502:
    case 504:
      return "unreachable";
    default:
      return status >= 500 ? "server" : "invalid";
  }
}

/** Read `Retry-After` (RFC 9110 section 10.2.3): seconds or a date. Gives milliseconds. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Give the problem that a response with an error status states. Reads its body. */
export async function problemFrom(response: Response): Promise<Problem> {
  let document: Record<string, unknown> = {};
  try {
    const parsed: unknown = await response.json();
    if (parsed && typeof parsed === "object") document = parsed as Record<string, unknown>;
  } catch {
    // A proxy's HTML, or nothing: the status has to do.
  }
  const text = (name: string) =>
    typeof document[name] === "string" ? (document[name] as string) : undefined;
  const code = text("code") ?? `http_${response.status}`;
  return new Problem({
    kind: kindOf(response.status, code),
    status: response.status,
    code,
    detail: text("detail"),
    reasons: reasonsOf(document.errors),
    retryable:
      typeof document.retryable === "boolean"
        ? document.retryable
        : response.status === 429 || response.status >= 500,
    retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
    requestId: text("request_id"),
  });
}

function reasonsOf(errors: unknown): string[] {
  const listed: unknown[] = Array.isArray(errors) ? errors : [];
  const words = listed.map((error) => (error as { msg?: unknown } | null)?.msg);
  return [...new Set(words.filter((msg) => typeof msg === "string"))];
}

/** Give the problem behind a thrown value: no answer came at all. */
export function problemOf(error: unknown, online = isOnline()): Problem {
  if (error instanceof Problem) return error;
  return new Problem({
    kind: online ? "unreachable" : "offline",
    status: 0,
    code: online ? "unreachable" : "offline",
    retryable: true,
  });
}

function isOnline(): boolean {
  return typeof navigator === "undefined" || navigator.onLine !== false;
}
