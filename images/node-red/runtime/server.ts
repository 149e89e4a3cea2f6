/** The HTTP server: the editor first, then the gate and the HTTP nodes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Gate } from "./gate.ts";
import type { Handler } from "./node-red.ts";

/** Longer than the edge keeps idle connections, so that the edge closes first. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 15_000;

export interface ServerOptions {
  gate: Gate;
  /** Path of the HTTP nodes, `/` or without a slash at the end. */
  httpNodeRoot: string;
  /** The editor and its API; undefined in replicas. */
  admin: () => Handler | undefined;
  node: () => Handler;
}

type ExpressRequest = IncomingMessage & { originalUrl?: string; baseUrl?: string };

/** A server that can be closed without cutting anybody off. */
export interface HttpServer {
  server: Server;
  listen(port: number): Promise<number>;
  /** Connections end with their next answer. */
  stopKeepAlive(): void;
}

/** Creates the server; it does not listen yet. Nothing is mounted in Express: that costs each request. */
export function createHttpServer(options: ServerOptions): HttpServer {
  const { gate } = options;
  const stripped = createStripper(options.httpNodeRoot);
  let closing = false;

  const toNodes = (req: ExpressRequest, res: ServerResponse) => {
    if (!stripped(req)) return notFound(req, res);
    gate.admit(req, res, () => options.node()(req, res, (error) => unanswered(req, res, error)));
  };

  const server = createServer((req: ExpressRequest, res) => {
    if (closing) res.setHeader("Connection", "close");
    const admin = options.admin();
    if (!admin) return toNodes(req, res);
    admin(req, res, (error) => (error ? unanswered(req, res, error) : toNodes(req, res)));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_MS;

  return {
    server,
    listen: (port) => listen(server, port),
    stopKeepAlive: () => {
      closing = true;
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** Does what mounting in Express does to a request. False when the path lies elsewhere. */
function createStripper(root: string): (req: ExpressRequest) => boolean {
  if (root === "/") return () => true;
  return (req) => {
    const url = req.url ?? "/";
    if (!url.startsWith(root)) return false;
    const rest = url.slice(root.length);
    if (rest !== "" && rest[0] !== "/" && rest[0] !== "?") return false;
    req.originalUrl = url;
    req.baseUrl = root;
    req.url = rest[0] === "/" ? rest : `/${rest}`;
    return true;
  };
}

function notFound(req: ExpressRequest, res: ServerResponse): void {
  const path = (req.originalUrl ?? req.url ?? "/").split("?")[0];
  res.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" });
  res.end(`Cannot ${req.method} ${path}\n`);
}

function unanswered(req: ExpressRequest, res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
  } else if (error) {
    const status = (error as { status?: number }).status ?? 500;
    res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
    res.end(`${status === 500 ? "Internal Server Error" : String((error as Error).message)}\n`);
  } else {
    notFound(req, res);
  }
}
