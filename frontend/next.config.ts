import type { NextConfig } from "next";
import { SECRET_IN_QUERY } from "./src/lib/address";
import { readConfig } from "./src/lib/config";

// A missing or malformed setting stops the build, and the start, with a sentence that names it.
readConfig(process.env);

const config: NextConfig = {
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
