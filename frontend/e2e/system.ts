/**
 * The real local system: the one that `SIDESTREAM_ENDPOINTS` describes, or one of a test's own that
 * it may kill.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export interface Endpoints {
  chat: string;
  tasks: string;
  web: string;
  database_url: string;
  pids: Record<string, number>;
}

const PROJECT = new URL("../../", import.meta.url).pathname;
const START_TIMEOUT_MS = 90_000;

function endpointsPath(): string {
  const path = process.env.SIDESTREAM_ENDPOINTS;
  if (!path) {
    throw new Error(
      "SIDESTREAM_ENDPOINTS is missing: the path of a running system's endpoints.json. " +
        "`make e2e` starts one and sets it.",
    );
  }
  return path;
}

export function sharedSystem(): Endpoints {
  return JSON.parse(readFileSync(endpointsPath(), "utf8")) as Endpoints;
}

/** All that the page's server has printed since it was started. */
export function serverLog(): string {
  return readFileSync(join(dirname(endpointsPath()), "logs", "page.log"), "utf8");
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (!address || typeof address === "string") throw new Error("no free port");
  return address.port;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`Timed out waiting for ${what}`);
    await pause(100);
  }
}

/** A system of a test's own, at the same addresses in every start. */
export class OwnSystem {
  private readonly folder = mkdtempSync(join(tmpdir(), "sidestream-own."));
  private ports: string[] | undefined;
  private process: ReturnType<typeof spawn> | undefined;

  async start(): Promise<Endpoints> {
    // As root, the database runs as another user.
    await chmod(this.folder, 0o755);
    this.ports ??= [
      "--chat-port",
      String(await freePort()),
      "--tools-port",
      String(await freePort()),
      "--web-port",
      String(await freePort()),
    ];
    const file = join(this.folder, "local", "endpoints.json");
    rmSync(file, { force: true });
    const options = ["--folder", join(this.folder, "local"), "--web", "--scripted", "--quiet"];
    const child = spawn(
      ".venv/bin/sidestream",
      ["local", ...options, "--model-delay-ms", "5", ...this.ports],
      { cwd: PROJECT, stdio: "ignore" },
    );
    this.process = child;
    await until("the system to start", () => {
      if (child.exitCode !== null) throw new Error(`The system ended: ${child.exitCode}`);
      return existsSync(file);
    });
    return JSON.parse(readFileSync(file, "utf8")) as Endpoints;
  }

  /** End it without warning, as a crash would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** End only its database. */
  async killDatabase(endpoints: Endpoints): Promise<void> {
    const port = new URL(endpoints.database_url).port;
    const pid = postmaster(port);
    process.kill(pid, "SIGQUIT");
    await until("Postgres to end", () => !alive(pid));
  }

  /** End it as a person does, and keep what it holds. */
  async stopServing(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Give the page another BETTER_AUTH_SECRET, from the next start on. */
  replacePageSecret(): void {
    const path = join(this.folder, "local", "keys.json");
    const keys = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
    keys.page_secret = randomBytes(48).toString("base64url");
    writeFileSync(path, JSON.stringify(keys));
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }
}

/** Find the Postgres that listens on a port, by its own pid file's process list. */
function postmaster(port: string): number {
  const hex = Number(port).toString(16).toUpperCase().padStart(4, "0");
  const line = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .find((row) => row.includes(`0100007F:${hex} 00000000:0000 0A`));
  const inode = line?.trim().split(/\s+/)[9];
  if (!inode) throw new Error(`Nothing listens on ${port}`);
  const pid = processWithSocket(inode);
  if (pid === undefined) throw new Error(`No process has the socket of port ${port}`);
  return pid;
}

function processWithSocket(inode: string): number | undefined {
  const { readdirSync, readlinkSync } = process.getBuiltinModule("node:fs");
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const found = readdirSync(`/proc/${name}/fd`).some(
        (fd) => readlinkSync(`/proc/${name}/fd/${fd}`) === `socket:[${inode}]`,
      );
      // The postmaster is the parent of the workers that share its socket.
      if (found) return oldestHolder(Number(name), inode);
    } catch {
      // Gone meanwhile, or somebody else's.
    }
  }
  return undefined;
}

function oldestHolder(pid: number, inode: string): number {
  const { readdirSync, readlinkSync } = process.getBuiltinModule("node:fs");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  try {
    const holds = readdirSync(`/proc/${parent}/fd`).some(
      (fd) => readlinkSync(`/proc/${parent}/fd/${fd}`) === `socket:[${inode}]`,
    );
    if (holds) return oldestHolder(parent, inode);
  } catch {
    // The parent is not ours to look into.
  }
  return pid;
}
