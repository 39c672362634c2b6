/** The Content-Security-Policy, with a fresh nonce for each page. */
import { NextResponse, type NextRequest } from "next/server";
import { apiOrigins, CONFIG } from "@/lib/config";

/** Where OpenAI's component comes from, and what it asks for the domain key. */
const CHATKIT = "https://cdn.platform.openai.com";
const CHATKIT_API = "https://api.openai.com";

function policy(nonce: string): string {
  const local = CONFIG.MOD === "dev" ? " http://127.0.0.1:* http://localhost:*" : "";
  const development = process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : "";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic' ${CHATKIT}${development}`,
    "style-src 'self' 'unsafe-inline'",
    `img-src 'self' data: blob: https:${local}`,
    "font-src 'self'",
    // `https:` for uploads, which go to whatever storage the API names.
    `connect-src 'self' ${apiOrigins(CONFIG).join(" ")} ${CHATKIT} ${CHATKIT_API} https:${local}`,
    `frame-src ${CHATKIT}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID());
  const csp = policy(nonce);
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("x-path", request.nextUrl.pathname);
  headers.set("content-security-policy", csp);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", csp);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", "strict-origin-when-cross-origin");
  return response;
}

export const config = {
  matcher: ["/((?!api/|_next/static|_next/image|favicon.ico|icon.svg).*)"],
};
