/** Signing up, in and out from the browser, and the JWT for the API. */
import { problemFrom, problemOf } from "@/lib/problems";
import { jwtExpiry, type Token } from "@/lib/tokens";

/** Better Auth's answer to a refused sign-in or sign-up. */
export class SignInRefused extends Error {
  override name = "SignInRefused";
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

async function post(path: string, body: object): Promise<void> {
  const response = await fetch(`/api/auth${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch((error: unknown) => {
    throw problemOf(error);
  });
  if (response.ok) return;
  if (response.status >= 500) throw await problemFrom(response);
  const { code } = (await response.json().catch(() => ({}))) as { code?: string };
  throw new SignInRefused(response.status, code ?? "");
}

export interface Credentials {
  email: string;
  password: string;
}

export const signInWithEmail = (credentials: Credentials) => post("/sign-in/email", credentials);

export const signUpWithEmail = (person: Credentials & { name: string }) =>
  post("/sign-up/email", person);

export const signOut = () => post("/sign-out", {});

/** The id of the person whose session this browser has, or null. */
export async function fetchUserId(): Promise<string | null> {
  const response = await fetch("/api/auth/get-session", { cache: "no-store" });
  if (!response.ok) throw await problemFrom(response);
  const session = (await response.json()) as { user: { id: string } } | null;
  return session?.user.id ?? null;
}

/** Fetch the JWT of the signed-in person. Throws a `Problem` of kind `sign_in` without one. */
export async function fetchIdentityToken(): Promise<Token> {
  const response = await fetch("/api/auth/token", { cache: "no-store" });
  if (!response.ok) throw await problemFrom(response);
  const { token } = (await response.json()) as { token: string };
  return { value: token, expiresAt: jwtExpiry(token) };
}

interface ChatSession {
  client_secret: string;
  expires_at: number | string;
}

/** Fetch a session token for the chat, by way of this page's server. */
export async function fetchChatToken(action: "session" | "refresh"): Promise<Token> {
  const response = await fetch("/api/chatkit", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action }),
    cache: "no-store",
  });
  if (!response.ok) throw await problemFrom(response);
  const session = (await response.json()) as ChatSession;
  const expiresAt =
    typeof session.expires_at === "number"
      ? session.expires_at * 1000
      : Date.parse(session.expires_at);
  return { value: session.client_secret, expiresAt };
}
