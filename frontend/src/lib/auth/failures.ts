/** What stands in the way of signing in, when it is the server's setup and not the person. */
import "server-only";
import { Client } from "pg";
import { readSetting } from "@/lib/setting.mjs";
import { SecretMissing } from "./server";

const CHECK_TIMEOUT_MS = 2_000;

/** Whether the sign-in database answers. */
export async function databaseAnswers(): Promise<boolean> {
  const client = new Client({
    connectionString: readSetting(process.env, "DATABASE_URL"),
    connectionTimeoutMillis: CHECK_TIMEOUT_MS,
    query_timeout: CHECK_TIMEOUT_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Give a problem document when the database or a setting is the reason for a failure. */
export async function databaseProblem(error?: unknown): Promise<Response | undefined> {
  if (error instanceof SecretMissing) return problem(500, "sign_in_setup", error.message, false);
  if (await databaseAnswers()) return undefined;
  return problem(503, "database_unavailable", "The database cannot be reached.", true);
}

export function problem(
  status: number,
  code: string,
  detail: string,
  retryable: boolean,
): Response {
  return Response.json(
    { type: `urn:sidestream:problem:${code}`, title: detail, status, detail, code, retryable },
    {
      status,
      headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
    },
  );
}
