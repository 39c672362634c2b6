// @ts-check
/**
 * Make or update Better Auth's tables, in their own schema. Reads DATABASE_URL (a role that may
 * create a schema). Running it again changes nothing. Run it before the page starts: Better Auth
 * remembers a schema it found wanting until the process ends.
 */
import { getMigrations } from "better-auth/db/migration";
import { AUTH_SCHEMA, authOptions, openPool } from "../src/lib/auth/options.mjs";
import { readSetting } from "../src/lib/setting.mjs";

/** A table or an index may take long to make, where there is much in it. */
const ANSWER_MS = 300_000;

const databaseUrl = readSetting(process.env, "DATABASE_URL");
if (!databaseUrl) {
  console.error("DATABASE_URL is missing.");
  process.exit(1);
}

const pool = openPool(databaseUrl, ANSWER_MS);
try {
  const options = authOptions({
    pool,
    secret: "unused: no session is made here",
    baseUrl: "http://localhost",
    secureCookie: false,
    httpOnly: true,
    limitRate: true,
  });
  const { toBeCreated, toBeAdded, runMigrations } = await getMigrations({
    ...options,
    logger: { level: "error" },
  });
  await runMigrations();
  const made = [...toBeCreated, ...toBeAdded].map(({ table }) => table);
  console.log(
    made.length > 0
      ? `Sign-in tables in schema "${AUTH_SCHEMA}": ${[...new Set(made)].join(", ")}.`
      : `Sign-in tables in schema "${AUTH_SCHEMA}" are up to date.`,
  );
} finally {
  await pool.end();
}
