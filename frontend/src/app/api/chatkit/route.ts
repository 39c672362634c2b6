/**
 * The page's own door to the session issuer: `{"action": "session" | "refresh"}` in, what the
 * issuer answers out. The person's JWT is made and sent here, on the server.
 */
import { headers } from "next/headers";
import { databaseProblem, problem } from "@/lib/auth/failures";
import { signToken, type Signed } from "@/lib/auth/token";
import { bearer } from "@/lib/bearer";
import { CONFIG } from "@/lib/config";

const TIMEOUT_MS = 15_000;
const EMPTY = "{}";

export async function POST(request: Request): Promise<Response> {
  if (request.headers.get("sec-fetch-site") === "cross-site") {
    return problem(403, "forbidden", "Only this page may ask for a session.", false);
  }
  const body = (await request.json().catch(() => null)) as { action?: unknown } | null;
  const action = body?.action;
  if (action !== "session" && action !== "refresh") {
    return problem(422, "invalid", 'The action must be "session" or "refresh".', false);
  }

  let signed: Signed;
  try {
    signed = await signToken(await headers());
  } catch (error) {
    return (await databaseProblem(error)) ?? Promise.reject(error as Error);
  }
  if (!signed.token) return problem(401, "unauthorized", "Nobody is signed in.", false);
  const response = await ask(action, signed.token, request);
  // A session that was renewed on the way is renewed in the browser too.
  for (const cookie of signed.cookies) response.headers.append("set-cookie", cookie);
  return response;
}

async function ask(action: string, token: string, request: Request): Promise<Response> {
  try {
    const response = await fetch(`${CONFIG.API_BASE_URL}/api/chatkit/${action}`, {
      method: "POST",
      headers: {
        ...bearer(token, EMPTY),
        "content-type": "application/json",
        "accept-language": request.headers.get("accept-language") ?? "en",
      },
      body: EMPTY,
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      cache: "no-store",
    });
    const passed = new Headers({ "cache-control": "no-store" });
    for (const name of ["content-type", "retry-after", "x-request-id"]) {
      const value = response.headers.get(name);
      if (value) passed.set(name, value);
    }
    return new Response(response.body, { status: response.status, headers: passed });
  } catch {
    return problem(502, "chat_unreachable", "The chat API cannot be reached.", true);
  }
}
