import type { NextConfig } from "next";
import { readConfig } from "./src/lib/config";

// A missing or malformed setting stops the build, and the start, with a sentence that names it.
readConfig(process.env);

const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  serverExternalPackages: ["pg"],
  turbopack: { root: import.meta.dirname },
};

export default config;
