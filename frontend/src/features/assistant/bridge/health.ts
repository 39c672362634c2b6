/** What the chat API says about itself: what is missing, and what it offers. */
import type { AssistantTexts } from "../useTexts";
import { CHAT_PATH } from "./fetch";
import type { FileRules } from "./files";

export interface Health {
  status: string;
  database?: string;
  api_key?: string;
  model?: string;
  models?: string[];
  /** What may be attached; null where nothing can be. */
  attachments?: FileRules | null;
  dictation?: boolean;
  /** Whether a scripted model answers, by rule. */
  scripted?: boolean;
}

export type HealthFinding =
  | { kind: "unreachable" }
  | { kind: "database" }
  | { kind: "api_key" }
  | { kind: "fine"; health: Health };

/** What stands below the assistant: who answers, and what that is worth. */
export function disclaimer(health: Health | null, { t }: AssistantTexts): string {
  return t(health?.scripted ? "assistant.scripted" : "assistant.disclaimer");
}

const TIMEOUT_MS = 6_000;

/** Ask once. Never throws: not answering is a finding too. */
export async function checkHealth(
  baseUrl: string,
  send: typeof fetch = (input, init) => fetch(input, init),
): Promise<HealthFinding> {
  try {
    const response = await send(`${baseUrl}${CHAT_PATH}/health`, {
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const health = (await response.json()) as Health;
    if (health.database === "unreachable") return { kind: "database" };
    if (health.api_key === "missing") return { kind: "api_key" };
    return response.ok ? { kind: "fine", health } : { kind: "unreachable" };
  } catch {
    return { kind: "unreachable" };
  }
}
