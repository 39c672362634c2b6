import { describe, expect, it } from "vitest";
import { apiOrigins, ConfigError, filesSource, readConfig } from "@/lib/config";

const DEV = {
  NEXT_PUBLIC_MOD: "dev",
  NEXT_PUBLIC_API_BASE_URL: "http://127.0.0.1:8701/",
  NEXT_PUBLIC_TASKS_BASE_URL: "http://127.0.0.1:8702",
  NEXT_PUBLIC_AUTH_BASE_URL: "http://localhost:3000",
};

const PROD = {
  NEXT_PUBLIC_MOD: "prod",
  NEXT_PUBLIC_API_BASE_URL: "https://chat.example.com",
  NEXT_PUBLIC_TASKS_BASE_URL: "https://tasks.example.com",
  NEXT_PUBLIC_AUTH_BASE_URL: "https://example.com",
  NEXT_PUBLIC_DOMAIN_KEY: "domain_pk_123",
};

function complaint(env: Record<string, string | undefined>): string {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("nothing was complained about");
}

describe("readConfig", () => {
  it("gives the values of dev, without trailing slashes", () => {
    expect(readConfig(DEV)).toEqual({
      MOD: "dev",
      API_BASE_URL: "http://127.0.0.1:8701",
      TASKS_BASE_URL: "http://127.0.0.1:8702",
      AUTH_BASE_URL: "http://localhost:3000",
      COOKIE_SECURE: false,
      HTTP_ONLY_TOKEN: true,
      REFRESH_CACHE: 60,
      DOMAIN_KEY: "domain_pk_localhost",
    });
  });

  it("names where files are for the page's policy, and nothing where there are none", () => {
    const bucket = "https://s3.eu-central-1.amazonaws.com/my-bucket";
    for (const given of [bucket, `${bucket}/`]) {
      const config = readConfig({ ...PROD, NEXT_PUBLIC_FILES_URL: given });
      expect(filesSource(config)).toEqual([`${bucket}/`]);
    }
    expect(filesSource(readConfig(PROD))).toEqual([]);
    for (const wrong of ["my-bucket", "http://files.example", "https://files.example/?a=1"]) {
      expect(complaint({ ...PROD, NEXT_PUBLIC_FILES_URL: wrong })).toContain(
        "NEXT_PUBLIC_FILES_URL",
      );
    }
  });

  it("gives the values of prod, with a secure cookie", () => {
    expect(readConfig(PROD)).toMatchObject({ COOKIE_SECURE: true, DOMAIN_KEY: "domain_pk_123" });
  });

  it("takes the page's origin from Better Auth's own variable too", () => {
    const env = { ...DEV, NEXT_PUBLIC_AUTH_BASE_URL: undefined, BETTER_AUTH_URL: "http://a:1" };
    expect(readConfig(env).AUTH_BASE_URL).toBe("http://a:1");
  });

  it.each(Object.keys(DEV))("names %s when it is missing", (name) => {
    expect(complaint({ ...DEV, [name]: undefined })).toContain(`${name} is missing`);
  });

  it.each(["\n", "\r\n", " \t", "\ufeff", "\u200b", "\u00a0", "\u2028", "\u0085"])(
    "takes %j off both ends of a value",
    (paste) => {
      const env = Object.fromEntries(
        Object.entries(PROD).map(([name, value]) => [name, paste + value + paste]),
      );
      expect(readConfig(env)).toEqual(readConfig(PROD));
    },
  );

  it.each([...Object.keys(PROD), "DATABASE_URL", "BETTER_AUTH_SECRET"])(
    "names %s when what was pasted cannot be right, and not its value",
    (name) => {
      for (const value of [
        '"https://planted"',
        "‘planted’",
        "plan\nted",
        "plan\u200bted",
        "plan\u00a0ted",
      ]) {
        const words = complaint({ ...PROD, [name]: value });
        expect(words).toMatch(new RegExp(`^${name} has (quotes|a line end)`));
        expect(words).not.toContain("plan");
      }
    },
  );

  it("takes a setting with nothing in it for one that is absent", () => {
    expect(readConfig({ ...DEV, NEXT_PUBLIC_REFRESH_CACHE: " \n", DATABASE_URL: "" })).toEqual(
      readConfig(DEV),
    );
    expect(complaint({ ...DEV, NEXT_PUBLIC_API_BASE_URL: "\ufeff" })).toBe(
      "NEXT_PUBLIC_API_BASE_URL is missing.",
    );
  });

  it("names every setting at once, and no value", () => {
    const words = complaint({
      ...DEV,
      NEXT_PUBLIC_API_BASE_URL: "secret-looking",
      NEXT_PUBLIC_REFRESH_CACHE: "soon",
      NEXT_PUBLIC_COOKIE_SECURE: "yes",
    });
    expect(words).toContain("NEXT_PUBLIC_API_BASE_URL");
    expect(words).toContain("NEXT_PUBLIC_REFRESH_CACHE");
    expect(words).toContain("NEXT_PUBLIC_COOKIE_SECURE");
    expect(words).not.toContain("secret-looking");
  });

  it("wants HTTPS, a domain key and a secure, hidden cookie in prod", () => {
    const words = complaint({
      ...PROD,
      NEXT_PUBLIC_API_BASE_URL: "http://chat.example.com",
      NEXT_PUBLIC_DOMAIN_KEY: undefined,
      NEXT_PUBLIC_COOKIE_SECURE: "false",
      NEXT_PUBLIC_HTTP_ONLY_TOKEN: "false",
    });
    expect(words).toContain("NEXT_PUBLIC_API_BASE_URL must start with https://");
    expect(words).toContain("NEXT_PUBLIC_DOMAIN_KEY is missing");
    expect(words).toContain("NEXT_PUBLIC_COOKIE_SECURE must be");
    expect(words).toContain("NEXT_PUBLIC_HTTP_ONLY_TOKEN must be");
  });

  it("refuses another mode", () => {
    expect(complaint({ ...DEV, NEXT_PUBLIC_MOD: "staging" })).toContain("NEXT_PUBLIC_MOD");
  });
});

it("names each API origin once", () => {
  const config = readConfig({ ...DEV, NEXT_PUBLIC_TASKS_BASE_URL: "http://127.0.0.1:8701/tasks" });
  expect(apiOrigins(config)).toEqual(["http://127.0.0.1:8701"]);
});
