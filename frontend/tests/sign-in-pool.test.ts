/**
 * The pool that people are signed in by, against a server that speaks as much of Postgres's protocol
 * as this takes, and goes silent when it is told to.
 */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Kysely, PostgresDialect, sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openPool } from "@/lib/auth/options.mjs";

const LET_IN = Buffer.from("520000000800000000" + "5a0000000549", "hex");
const NO_ROWS = Buffer.concat([
  Buffer.from("430000000d", "hex"),
  Buffer.from("SELECT 0\0"),
  Buffer.from("5a0000000549", "hex"),
]);
const QUERY = "Q".charCodeAt(0);
const MOST = 4;

const sockets = new Set<Socket>();
let silent: Set<Socket>;
let asked: () => void;
const server = createServer((socket) => {
  sockets.add(socket);
  let known = false;
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
  socket.on("data", (data) => {
    if (!known) socket.write(LET_IN);
    else if (data[0] === QUERY) {
      asked();
      if (!silent.has(socket)) socket.write(NO_ROWS);
    }
    known = true;
  });
});

let pool: ReturnType<typeof openPool>;
let database: Kysely<unknown>;

beforeEach(async () => {
  silent = new Set();
  asked = () => {};
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  pool = openPool(`postgresql://u:p@127.0.0.1:${port}/d`, 200);
  database = new Kysely({ dialect: new PostgresDialect({ pool }) });
});

afterEach(async () => {
  await pool.end();
  for (const socket of sockets) socket.destroy();
  server.close();
});

const ask = () => sql`select`.execute(database);

/** Ask on as many connections as there may be, at once. */
function askOnAll() {
  return Promise.allSettled(Array.from({ length: MOST }, ask));
}

it("leaves connections that went silent, all of them, and signs people in by new ones", async () => {
  await askOnAll();
  expect(pool.totalCount).toBe(MOST);
  silent = new Set(sockets);
  const answers = await askOnAll();
  expect(answers.map(({ status }) => status)).toEqual(Array(MOST).fill("rejected"));
  await expect(ask()).resolves.toMatchObject({ rows: [] });
});

it("outlives a connection that is cut while somebody waits on it", async () => {
  await ask();
  silent = new Set(sockets);
  asked = () => sockets.forEach((socket) => socket.destroy());
  await expect(ask()).rejects.toThrow();
  asked = () => {};
  await expect(ask()).resolves.toMatchObject({ rows: [] });
});
