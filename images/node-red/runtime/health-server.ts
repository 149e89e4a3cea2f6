/** /healthz, /readyz, /metrics and /status on a port of their own. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Status } from "./status.ts";

export interface HealthOptions {
  status: Status;
  metrics(): string;
  port: number;
}

function answer(res: ServerResponse, code: number, type: string, body: string): void {
  res.writeHead(code, { "Content-Type": type, "Cache-Control": "no-store" });
  res.end(body);
}

/**
 * `/healthz` is about the process (it answers, so it lives), `/readyz` about traffic: 503 before
 * the first flows run and from the moment of SIGTERM.
 */
export function startHealthServer({ status, metrics, port }: HealthOptions): Promise<Server> {
  const server = createServer((req, res) => {
    const text = "text/plain; charset=utf-8";
    const path = (req.url ?? "/").split("?")[0];
    if (path === "/healthz") answer(res, 200, text, "ok\n");
    else if (path === "/readyz") answer(res, status.ready ? 200 : 503, text, `${status.state}\n`);
    else if (path === "/metrics") answer(res, 200, "text/plain; version=0.0.4", metrics());
    else if (path === "/status") {
      answer(res, 200, "application/json", `${JSON.stringify(status.document())}\n`);
    } else answer(res, 404, text, "not found\n");
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => resolve(server));
  });
}
