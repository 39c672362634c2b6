// @ts-check
/**
 * How people sign in: e-mail and password, and a 15-minute JWT for the API. Plain JavaScript, since
 * both the page and `scripts/migrate.mjs`, which Node runs as it is, build Better Auth from it.
 */
import { jwt } from "better-auth/plugins";
import { PostgresDialect } from "kysely";
import { Client, DatabaseError, Pool } from "pg";
import { readKeys } from "./keys.mjs";

/** Better Auth's tables live apart from the API's: one of them is called "user". */
export const AUTH_SCHEMA = "auth";

export const MIN_PASSWORD_CHARS = 8;

const CONNECT_MS = 5_000;
const ANSWER_MS = 10_000;

/**
 * A connection that is left once a question on it ends without the server's word: whatever is asked
 * next would wait behind that one, and Kysely gives it back to the pool as if it were well.
 */
class Connection extends Client {
  /** @param {import("pg").ClientConfig} [config] */
  constructor(config) {
    super(config);
    // Whoever waits for an answer hears of the loss; it must not end the process besides.
    this.on("error", () => {});
  }

  /**
   * @override
   * @type {any}
   */
  query = (/** @type {any[]} */ ...args) => {
    // @ts-expect-error One of many signatures.
    const answer = super.query(...args);
    if (answer instanceof Promise) {
      answer.catch((error) => {
        if (!(error instanceof DatabaseError)) void this.end();
      });
    }
    return answer;
  };
}

/**
 * A pool whose every wait has a bound. Nothing is asked of the server at the start of a connection,
 * `statement_timeout` for one, because a pooler refuses what it does not know.
 *
 * @param {string} databaseUrl
 * @param {number} [answerMs] How long an answer may take.
 */
export function openPool(databaseUrl, answerMs = ANSWER_MS) {
  const pool = new Pool({
    Client: Connection,
    connectionString: databaseUrl,
    max: 4,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: answerMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT_MS,
  });
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
