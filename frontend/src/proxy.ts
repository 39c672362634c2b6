/** Before every answer: no secret in the address, and a Content-Security-Policy with a fresh nonce. */
import { NextResponse, type NextRequest } from "next/server";
import { holdsSecret } from "@/lib/address";
import { apiOrigins, CONFIG, filesSource } from "@/lib/config";

/** Where OpenAI's component comes from, and what it asks for the domain key. */
const CHATKIT = "https://cdn.platform.openai.com";
const CHATKIT_API = "https://api.openai.com";

function policy(nonce: string): string {
  const local = CONFIG.MOD === "dev" ? ["http://127.0.0.1:*", "http://localhost:*"] : [];
  const files = [...filesSource(CONFIG), ...local];
  const development = process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : "";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic' ${CHATKIT}${development}`,
    "style-src 'self' 'unsafe-inline'",
    `img-src ${["'self'", "data:", "blob:", ...files].join(" ")}`,
    "font-src 'self'",
    `connect-src ${["'self'", ...apiOrigins(CONFIG), CHATKIT, CHATKIT_API, ...files].join(" ")}`,
    `frame-src ${CHATKIT}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function proxy(request: NextRequest): NextResponse {
  const { pathname, searchParams } = request.nextUrl;
  if (holdsSecret(searchParams)) return withoutQuery(request);
  if (pathname.startsWith("/api/")) return NextResponse.next();
  const nonce = btoa(crypto.randomUUID());
  const csp = policy(nonce);
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("x-path", pathname);
  headers.set("content-security-policy", csp);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", csp);
  return response;
}

/** The same page without its query: what stands beside a secret was typed with it. */
function withoutQuery(request: NextRequest): NextResponse {
  const clean = request.nextUrl.clone();
  clean.search = "";
  const response = NextResponse.redirect(clean, 303);
  response.headers.set("cache-control", "no-store");
  response.headers.set("referrer-policy", "no-referrer");
  return response;
}

export const config = {
  // All but files: an address that only begins like one gets a page, which needs the policy.
  matcher: ["/((?!_next/static/|icon\\.svg$).*)"],
};
