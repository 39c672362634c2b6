/**
 * BETTER_AUTH_SECRET is replaced, as docs/operations.md says: everybody signs in once more, and the
 * signing keys that the new secret cannot open are replaced by themselves.
 */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newEmail, PASSWORD } from "./browser";
import { freePort, OwnSystem, type Endpoints } from "./system";

const system = new OwnSystem();
let endpoints: Endpoints;
beforeAll(async () => void (endpoints = await system.start()));
afterAll(() => system.stop());

const person = { name: "Amina Khan", email: newEmail(), password: PASSWORD };

/** Call one of the page's servers. Gives the status, the body and the cookies to send back. */
async function call(web: string, path: string, { body, cookie = "" }: Call = {}) {
  const response = await fetch(web + path, {
    method: body ? "POST" : "GET",
    headers: { cookie, ...(body && { "content-type": "application/json", origin: web }) },
    body: body && JSON.stringify(body),
    redirect: "manual",
  });
  const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]);
  return { status: response.status, text: await response.text(), cookie: cookies.join("; ") };
}

interface Call {
  body?: object;
  cookie?: string;
}

function tokenOf(text: string): string {
  return (JSON.parse(text) as { token: string }).token;
}

/** The status with which the API answers a token's owner. */
async function tasksStatus(token: string): Promise<number> {
  const { sub } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
    sub: string;
  };
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${endpoints.tasks}/api/${sub}/tasks`, { headers })).status;
}

async function keyIds(): Promise<string[]> {
  const { text } = await call(endpoints.web, "/api/auth/jwks");
  return (JSON.parse(text) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

it("is taken up by a restart: old tokens run out, and new keys are made", async () => {
  const { cookie } = await call(endpoints.web, "/api/auth/sign-up/email", { body: person });
  const before = await call(endpoints.web, "/api/auth/token", { cookie });
  expect(before.status).toBe(200);
  const [oldKey] = await keyIds();

  await system.stopServing();
  system.replacePageSecret();
  endpoints = await system.start();

  expect((await call(endpoints.web, "/tasks", { cookie })).status).toBe(307);
  expect((await call(endpoints.web, "/api/auth/token", { cookie })).status).toBe(401);
  const again = await call(endpoints.web, "/api/auth/sign-in/email", { body: person });
  expect(again.status).toBe(200);
  const session = await call(endpoints.web, "/api/chatkit", {
    body: { action: "session" },
    cookie: again.cookie,
  });
  expect(session.status).toBe(200);
  const after = await call(endpoints.web, "/api/auth/token", { cookie: again.cookie });
  expect(await tasksStatus(tokenOf(after.text))).toBe(200);
  expect((await call(endpoints.web, "/tasks", { cookie: again.cookie })).status).toBe(200);

  // The old key signs no more, and opens what it signed until that runs out.
  const keys = await keyIds();
  expect(keys.length).toBeGreaterThan(1);
  expect(keys).toContain(oldKey);
  expect(await tasksStatus(tokenOf(before.text))).toBe(200);
});

it("that differs from the one of another server disturbs neither", async () => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const other = spawn(
    "node",
    ["node_modules/next/dist/bin/next", "start", "-H", "127.0.0.1", "-p", String(port)],
    {
      stdio: "ignore",
      env: {
        PATH: process.env.PATH,
        NODE_ENV: "production",
        NEXT_PUBLIC_MOD: "dev",
        NEXT_PUBLIC_API_BASE_URL: endpoints.chat,
        NEXT_PUBLIC_TASKS_BASE_URL: endpoints.tasks,
        NEXT_PUBLIC_AUTH_BASE_URL: origin,
        BETTER_AUTH_URL: origin,
        BETTER_AUTH_SECRET: "the secret of another server 0123456789 abcdef",
        DATABASE_URL: endpoints.database_url,
      },
    },
  );
  const ended = new Promise((resolve) => other.once("exit", resolve));
  try {
    const ready = () =>
      call(origin, "/api/auth/ok").then(
        ({ status }) => status,
        () => 0,
      );
    await expect.poll(ready, { timeout: 30_000 }).toBe(200);
    const { cookie } = await call(origin, "/api/auth/sign-in/email", { body: person });
    const here = await call(endpoints.web, "/api/auth/sign-in/email", { body: person });
    const counts: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect((await call(origin, "/api/auth/token", { cookie })).status).toBe(200);
      const token = await call(endpoints.web, "/api/auth/token", { cookie: here.cookie });
      expect(token.status).toBe(200);
      counts.push((await keyIds()).length);
    }
    // Each has made one of its own at first, and no more.
    expect(new Set(counts).size).toBe(1);
  } finally {
    other.kill();
    await ended;
  }
});
