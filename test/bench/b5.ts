import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture } from "../support/process.ts";
import { succeeded } from "../support/stack.ts";
import { startResolver } from "./dns.ts";
import { bareHttp } from "./limits.ts";
import { interleave, row } from "./measure.ts";
import { nginx, wrk } from "./peers.ts";
import { CORE, firstAnswer, loadWith } from "./pinned.ts";
import { familyCpuMs } from "./proc.ts";
import { type ReverseProxy, startEdge, startNginx } from "./proxies.ts";
import type { Benchmark } from "./types.ts";

const PORTS = { backend: 28850, ours: 28851, peer: 28852, limit: 28853, dns: 28854 };
const ROUNDS = 5;
const HOST = "bench.localhost";

/** Microseconds of proxy CPU per request with nothing else on the proxy's core. */
async function cost(wrkPath: string, proxy: ReverseProxy): Promise<number> {
  const before = familyCpuMs(proxy.pid);
  const url = `https://127.0.0.1:${proxy.port}/red-nodes/bench`;
  const load = { connections: 16, headers: [`Host: ${HOST}`] };
  const seen = await loadWith(wrkPath, url, load);
  if (seen.errors > 0) throw new Error(`port ${proxy.port}: ${seen.errors} wrong answers`);
  return ((familyCpuMs(proxy.pid) - before) * 1000) / seen.requests;
}

export const b5: Benchmark = {
  id: "B5",
  what: "proxy CPU per request over TLS",
  async run() {
    const wrkPath = await wrk();
    const nginxPath = await nginx();
    const folder = mkdtempSync(join(tmpdir(), "redfleet-bench-edge-"));
    await certificate(folder);
    const backend = bareHttp(PORTS.backend, CORE.client);
    const resolver = await startResolver(PORTS.dns);
    await firstAnswer(`http://127.0.0.1:${PORTS.backend}/readyz`);
    const proxies = {
      ours: await startEdge(folder, HOST, PORTS),
      peer: await startNginx(nginxPath, folder, PORTS.peer, PORTS.backend, false),
      limit: await startNginx(nginxPath, folder, PORTS.limit, PORTS.backend, true),
    };
    try {
      const values = await interleave(ROUNDS, {
        ours: () => cost(wrkPath, proxies.ours),
        peer: () => cost(wrkPath, proxies.peer),
        limit: () => cost(wrkPath, proxies.limit),
      });
      return [row("B5", "proxy CPU per request, TLS", "µs", values, { of: "limit", atMost: 1.1 })];
    } finally {
      for (const proxy of Object.values(proxies)) await proxy.stop();
      await backend.stop();
      resolver.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** A self-signed P-256 certificate, as `cert.pem` with its key. */
async function certificate(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "cert.pem");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file];
  const subject = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`, "-days", "2"];
  const self = join(folder, "self.crt");
  succeeded(await capture("openssl", ["req", "-x509", ...key, ...subject, "-out", self]));
  succeeded(await capture("sh", ["-c", `cat ${self} >> ${file} && chmod 0644 ${file}`]));
}
