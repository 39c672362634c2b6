// @ts-check
/**
 * How people sign in: e-mail and password, and a 15-minute JWT for the API. Plain JavaScript, since
 * both the page and `scripts/migrate.mjs`, which Node runs as it is, build Better Auth from it.
 */
import { jwt } from "better-auth/plugins";
import { PostgresDialect } from "kysely";
import { Pool } from "pg";
import { readKeys } from "./keys.mjs";

/** Better Auth's tables live apart from the API's: one of them is called "user". */
export const AUTH_SCHEMA = "auth";

export const MIN_PASSWORD_CHARS = 8;

/**
 * @param {string} databaseUrl
 */
export function openPool(databaseUrl) {
  const pool = new Pool({ connectionString: databaseUrl, max: 4, connectionTimeoutMillis: 5_000 });
  // An idle connection that the server drops must not end the process.
  pool.on("error", () => {});
  return pool;
}

/**
 * @param {object} settings
 * @param {Pool} settings.pool
 * @param {string} settings.secret
 * @param {string} settings.baseUrl The page's own origin: issuer and audience of the JWT.
 * @param {boolean} settings.secureCookie
 * @param {boolean} settings.httpOnly
 * @param {boolean} settings.limitRate Count sign-in attempts, in the database.
 */
export function authOptions({ pool, secret, baseUrl, secureCookie, httpOnly, limitRate }) {
  return /** @satisfies {import("better-auth").BetterAuthOptions} */ ({
    appName: "Sidestream",
    baseURL: baseUrl,
    secret,
    database: {
      dialect: new PostgresDialect({ pool }),
      type: "postgres",
      schemaName: AUTH_SCHEMA,
    },
    emailAndPassword: { enabled: true, minPasswordLength: MIN_PASSWORD_CHARS, autoSignIn: true },
    advanced: {
      useSecureCookies: secureCookie,
      defaultCookieAttributes: { httpOnly, secure: secureCookie, sameSite: "lax" },
    },
    rateLimit: { enabled: limitRate, storage: "database" },
    telemetry: { enabled: false },
    plugins: [
      jwt({
        // Nothing reads it, and it would cost a signature for every look at the session.
        disableSettingJwtHeader: true,
        // How long a key that is retired can be fetched, in seconds: longer than its tokens live.
        jwks: { gracePeriod: 3600 },
        adapter: { getJwks: readKeys },
        jwt: {
          expirationTime: "15m",
          // Without this the whole user row would travel in every token. The name is for the assistant.
          definePayload: ({ user }) => ({ name: user.name }),
        },
      }),
    ],
  });
}
