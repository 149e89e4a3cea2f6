import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlowNode } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import type { Runtime } from "./ours.ts";
import { peerNodeRed } from "./peers.ts";
import { startPinned } from "./pinned.ts";

/** A plain Node-RED as its own start script runs it, with a flow file. */
export interface Peer extends Runtime {
  /** Writes new flows and makes this instance load them, as the HTTP scaling article does. */
  reload(flows: readonly FlowNode[]): Promise<void>;
}

/** Starts Node-RED 5 with default settings but for port, folder and HTTP root. */
export async function startPeer(
  port: number,
  core: string,
  flows: readonly FlowNode[],
): Promise<Peer> {
  const entry = await peerNodeRed();
  const folder = mkdtempSync(join(tmpdir(), "redfleet-peer-"));
  const flowFile = join(folder, "flows.json");
  writeFileSync(flowFile, JSON.stringify(flows));
  writeFileSync(
    join(folder, "settings.js"),
    `module.exports = { uiPort: ${port}, uiHost: "127.0.0.1", httpNodeRoot: "/red-nodes",
      flowFile: "flows.json", credentialSecret: "bench", telemetry: { enabled: false },
      logging: { console: { level: "warn" } } };`,
  );
  const args = [entry, "-u", folder, "-s", join(folder, "settings.js")];
  const running = startPinned(core, process.execPath, args);
  await until("the process was replaced by Node", () => running.pid > 0, { every: 1 });
  return {
    pid: running.pid,
    reload: (next) => reload(port, flowFile, next),
    stop: async () => {
      running.kill("SIGKILL");
      await running.finished;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function reload(port: number, file: string, flows: readonly FlowNode[]): Promise<void> {
  writeFileSync(file, JSON.stringify(flows));
  const answer = await fetch(`http://127.0.0.1:${port}/flows`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "node-red-deployment-type": "reload",
      // The server may just be closing a connection that has idled.
      connection: "close",
    },
    body: "[]",
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`reload: ${answer.status}`);
}
