/**
 * The network between the browser and everything else: an HTTP proxy that can be cut, and that can
 * do to a stream of events what proxies do.
 */
import {
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

/** What a stream of events suffers: nothing, an early end in good order, silence, or repetition. */
export type Fate = "whole" | "short" | "silent" | "twice";

export class Network {
  /** What the streams suffer that send something from now on. */
  fate: Fate = "whole";
  /** How many answers were cut off before their first byte. */
  answersCut = 0;
  private isCut = false;
  private wanted: ((body: string) => boolean) | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly silent = new WeakSet<ServerResponse>();

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Network> {
    const server = createServer();
    const network = new Network(server);
    server.on("request", (incoming, outgoing) => void network.pass(incoming, outgoing));
    server.on("connect", (incoming, socket: Socket) => {
      const [host = "", port] = (incoming.url ?? "").split(":");
      const target = connect(Number(port), loopback(host), () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        target.pipe(socket).pipe(target);
      });
      target.on("error", () => socket.destroy());
      socket.on("close", () => target.destroy());
    });
    server.on("connection", (socket) => {
      if (network.isCut) socket.destroy();
      network.sockets.add(socket);
      socket.on("close", () => network.sockets.delete(socket));
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return network;
  }

  /** For Playwright's `proxy` option; loopback goes through it too. */
  get proxy() {
    const { port } = this.server.address() as AddressInfo;
    return { server: `http://127.0.0.1:${port}`, bypass: "<-loopback>" };
  }

  /** Break every connection, and every new one. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  restore(): void {
    this.isCut = false;
  }

  /** Let the next request with such a body reach the server, and lose its answer. */
  cutNextAnswer(wanted: (body: string) => boolean): void {
    this.wanted = wanted;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(incoming.url ?? "");
    const target = request(
      {
        hostname: loopback(url.hostname),
        port: url.port,
        path: url.pathname + url.search,
        method: incoming.method,
        headers: incoming.headers,
      },
      (answer) => {
        if (this.wanted?.(body.toString())) {
          this.wanted = undefined;
          this.answersCut += 1;
          outgoing.destroy();
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        if (/^text\/event-stream/.test(answer.headers["content-type"] ?? "")) {
          answer.on("data", (bytes: Buffer) => this.suffer(bytes, outgoing));
          answer.on("end", () => outgoing.end());
        } else answer.pipe(outgoing);
        outgoing.on("close", () => answer.destroy());
      },
    );
    target.on("error", () => outgoing.destroy());
    target.end(body);
  }

  private suffer(bytes: Buffer, outgoing: ServerResponse): void {
    if (this.silent.has(outgoing)) return;
    if (this.fate === "silent") this.silent.add(outgoing);
    else if (this.fate === "short") outgoing.end();
    else outgoing.write(bytes);
    const isWhole = bytes.subarray(-2).equals(Buffer.from("\n\n"));
    if (this.fate === "twice" && isWhole) outgoing.write(bytes);
  }
}

/** The system listens on IPv4 alone, and Node might try IPv6 first. */
function loopback(host: string): string {
  return host === "localhost" ? "127.0.0.1" : host;
}
