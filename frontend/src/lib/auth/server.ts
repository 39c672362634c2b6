/** Better Auth as this server runs it, made on first use so that a build needs no database. */
import "server-only";
import { betterAuth } from "better-auth";
import { CONFIG } from "@/lib/config";
import { readSetting } from "@/lib/setting.mjs";
import { authOptions, openPool } from "./options.mjs";

export class SecretMissing extends Error {
  override name = "SecretMissing";
}

function secret(name: string): string {
  const value = readSetting(process.env, name);
  if (!value) throw new SecretMissing(`The server's setting ${name} is missing.`);
  return value;
}

function build() {
  return betterAuth(
    authOptions({
      pool: openPool(secret("DATABASE_URL")),
      secret: secret("BETTER_AUTH_SECRET"),
      baseUrl: CONFIG.AUTH_BASE_URL,
      secureCookie: CONFIG.COOKIE_SECURE,
      httpOnly: CONFIG.HTTP_ONLY_TOKEN,
      limitRate: CONFIG.MOD === "prod",
    }),
  );
}

let instance: ReturnType<typeof build> | undefined;

/** Give the one Better Auth of this process. Throws `SecretMissing`. */
export function auth(): ReturnType<typeof build> {
  return (instance ??= build());
}
