import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Runtime } from "./ours.ts";
import { peerNodeRed } from "./peers.ts";
import { startPinned } from "./pinned.ts";

/** What an endpoint of the benchmarks answers. */
const BODY = '{"mark":"bench","worker":"bench"}';

/** A bare `node:http` server: what Node can do at best. */
export const bareHttp = (port: number, core: string): Runtime =>
  script(
    core,
    `require("node:http").createServer((_, res) => {
      res.setHeader("content-type", "application/json");
      res.end('${BODY}');
    }).listen(${port}, "127.0.0.1");`,
  );

/** A bare Express server, the one that Node-RED itself uses. */
export async function bareExpress(port: number, core: string): Promise<Runtime> {
  const nodeRed = await peerNodeRed();
  const express = createRequire(nodeRed).resolve("express");
  return script(
    core,
    `const app = require(${JSON.stringify(express)})();
    app.get("/red-nodes/bench", (_, res) => res.json(${BODY}));
    app.listen(${port}, "127.0.0.1");`,
  );
}

function script(core: string, source: string): Runtime {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-limit-"));
  const file = join(folder, "server.cjs");
  writeFileSync(file, source);
  const running = startPinned(core, process.execPath, [file]);
  return {
    pid: running.pid,
    stop: async () => {
      running.kill("SIGKILL");
      await running.finished;
      rmSync(dirname(file), { recursive: true, force: true });
    },
  };
}
