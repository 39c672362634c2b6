import type { NextConfig } from "next";
import { SECRET_IN_QUERY } from "./src/lib/address";
import { readConfig } from "./src/lib/config";

// A missing or malformed setting stops the build, and the start, with a sentence that names it.
readConfig(process.env);

/** On every answer of this server. Over plain HTTP, browsers pay no heed to the first (RFC 6797). */
const EVERYWHERE = {
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "referrer-policy": "strict-origin",
  "cross-origin-opener-policy": "same-origin",
  // The microphone is for dictation, in our panel and in OpenAI's.
  "permissions-policy":
    'camera=(), geolocation=(), payment=(), usb=(), microphone=(self "https://cdn.platform.openai.com")',
};

function headerList(named: Record<string, string>): { key: string; value: string }[] {
  return Object.entries(named).map(([key, value]) => ({ key, value }));
}

const config: NextConfig = {
  headers: () =>
    Promise.resolve([
      { source: "/:path*", headers: headerList(EVERYWHERE) },
      { source: "/api/:path*", headers: headerList({ "cache-control": "no-store" }) },
    ]),
  poweredByHeader: false,
  reactStrictMode: true,
  // Tests are checked by `npm run typecheck`; a build needs only what it builds.
  typescript: { tsconfigPath: "tsconfig.page.json" },
  serverExternalPackages: ["pg"],
  // `next dev` prints addresses; `next start` prints none.
  logging: { incomingRequests: { ignore: [SECRET_IN_QUERY] } },
  turbopack: { root: import.meta.dirname },
};

export default config;
