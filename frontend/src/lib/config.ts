/**
 * CONFIG: where the API is and how cookies and tokens behave. The only place that knows a URL.
 *
 * `NEXT_PUBLIC_MOD` chooses between `dev` and `prod`: the same names, other defaults and rules. The
 * values are read when the server starts, not baked into the bundle, so one build serves any
 * address: the server reads its environment and writes CONFIG on `<html data-config>`, where the
 * browser's copy of this module finds it.
 */

import { readSetting, SettingError } from "./setting.mjs";

export type Mode = "dev" | "prod";

export interface Config {
  MOD: Mode;
  /** ChatFunction: the ChatKit endpoint, sessions and runs. No trailing slash. */
  API_BASE_URL: string;
  /** The function behind the list. No trailing slash. */
  TASKS_BASE_URL: string;
  /** Where attached files are: what the API's addresses of them begin with. None: no files. */
  FILES_URL?: string | undefined;
  /** This page's own origin, where Better Auth answers. No trailing slash. */
  AUTH_BASE_URL: string;
  /** Whether the sign-in cookie travels over HTTPS only. */
  COOKIE_SECURE: boolean;
  /** Whether the sign-in cookie is hidden from scripts. */
  HTTP_ONLY_TOKEN: boolean;
  /** How long before a cached token runs out it is renewed, in seconds. */
  REFRESH_CACHE: number;
  /** The public key that OpenAI gives for each allow-listed domain. */
  DOMAIN_KEY: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** One sentence per setting that is missing or malformed; never its value. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const SECRETS = ["DATABASE_URL", "BETTER_AUTH_SECRET"];

/** ChatKit needs some key even where OpenAI checks none, as on localhost. */
const LOCAL_DOMAIN_KEY = "domain_pk_localhost";

/** Read CONFIG from an environment. Throws `ConfigError`. */
export function readConfig(env: Environment): Config {
  const problems: string[] = [];

  function given(name: string): string | undefined {
    try {
      return readSetting(env, name);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  }

  // The secrets are no part of CONFIG, and a build has none. One that cannot be right stops the start.
  SECRETS.forEach(given);

  const mode = given("NEXT_PUBLIC_MOD");
  if (mode !== "dev" && mode !== "prod") {
    const found = mode === undefined ? "is missing" : "is not one of these";
    problems.push(`NEXT_PUBLIC_MOD ${found}: it must be "dev" or "prod".`);
    throw new ConfigError(problems.join(" "));
  }
  const prod = mode === "prod";

  function required<T>(name: string, value: T | undefined, fallback: T): T {
    const isTold = problems.some((problem) => problem.startsWith(`${name} `));
    if (value === undefined && !isTold) problems.push(`${name} is missing.`);
    return value ?? fallback;
  }

  function url(name: string, value = given(name)): string {
    const text = required(name, value, "http://missing");
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol)) {
      problems.push(`${name} must be an http or https address.`);
      return "";
    }
    if (prod && value !== undefined && parsed.protocol !== "https:") {
      problems.push(`${name} must start with https:// when NEXT_PUBLIC_MOD is "prod".`);
    }
    if (parsed.search || parsed.hash || parsed.username) {
      problems.push(`${name} must carry no query, fragment or user name.`);
    }
    return parsed.href.replace(/\/+$/, "");
  }

  function files(): string | undefined {
    const value = given("NEXT_PUBLIC_FILES_URL");
    return value === undefined ? undefined : url("NEXT_PUBLIC_FILES_URL", value);
  }

  function flag(name: string, fallback: boolean): boolean {
    const value = given(name);
    if (value === undefined) return fallback;
    if (value !== "true" && value !== "false") problems.push(`${name} must be "true" or "false".`);
    return value === "true";
  }

  function seconds(name: string, fallback: number): number {
    const value = Number(given(name) ?? fallback);
    if (!Number.isInteger(value) || value < 0 || value > 600) {
      problems.push(`${name} must be a whole number of seconds between 0 and 600.`);
    }
    return value;
  }

  const config: Config = {
    MOD: mode,
    API_BASE_URL: url("NEXT_PUBLIC_API_BASE_URL"),
    TASKS_BASE_URL: url("NEXT_PUBLIC_TASKS_BASE_URL"),
    FILES_URL: files(),
    AUTH_BASE_URL: url(
      "NEXT_PUBLIC_AUTH_BASE_URL",
      given("NEXT_PUBLIC_AUTH_BASE_URL") ?? given("BETTER_AUTH_URL"),
    ),
    COOKIE_SECURE: flag("NEXT_PUBLIC_COOKIE_SECURE", prod),
    HTTP_ONLY_TOKEN: flag("NEXT_PUBLIC_HTTP_ONLY_TOKEN", true),
    REFRESH_CACHE: seconds("NEXT_PUBLIC_REFRESH_CACHE", 60),
    DOMAIN_KEY: required(
      "NEXT_PUBLIC_DOMAIN_KEY",
      given("NEXT_PUBLIC_DOMAIN_KEY") ?? (prod ? undefined : LOCAL_DOMAIN_KEY),
      "",
    ),
  };

  if (prod && !config.COOKIE_SECURE) {
    problems.push('NEXT_PUBLIC_COOKIE_SECURE must be "true" when NEXT_PUBLIC_MOD is "prod".');
  }
  if (!config.HTTP_ONLY_TOKEN && prod) {
    problems.push('NEXT_PUBLIC_HTTP_ONLY_TOKEN must be "true" when NEXT_PUBLIC_MOD is "prod".');
  }
  if (config.DOMAIN_KEY && !/^[\w-]+$/.test(config.DOMAIN_KEY)) {
    problems.push("NEXT_PUBLIC_DOMAIN_KEY must be a key such as domain_pk_….");
  }
  if (problems.length > 0) throw new ConfigError([...new Set(problems)].join(" "));
  return Object.freeze(config);
}

/** The origins a script of the page may talk to; the sources of `connect-src`. */
export function apiOrigins(config: Config): string[] {
  return [
    ...new Set([config.API_BASE_URL, config.TASKS_BASE_URL].map((url) => new URL(url).origin)),
  ];
}

/** Where attached files are uploaded to and shown from; a source of `connect-src` and `img-src`. */
export function filesSource(config: Config): string[] {
  // With a slash at its end a source is everything below it (CSP 3, 6.7.2.13).
  return config.FILES_URL ? [`${config.FILES_URL}/`] : [];
}

function here(): Config {
  if (typeof document === "undefined") return readConfig(process.env);
  return JSON.parse(document.documentElement.dataset.config ?? "{}") as Config;
}

export const CONFIG: Config = here();
