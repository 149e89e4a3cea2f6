import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlowNode } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { postFlows } from "./editor.ts";
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
  const folder = newFolder();
  const write = (next: readonly FlowNode[]) =>
    writeFileSync(join(folder, "flows.json"), JSON.stringify(next));
  write(flows);
  const runtime = await launch(port, core, folder, 'flowFile: "flows.json"');
  return {
    ...runtime,
    reload: async (next) => {
      write(next);
      await postFlows(originOf(port), "reload", []);
    },
  };
}

/** A plain Node-RED with the storage of the HTTP scaling article. */
export interface SyncedPeer extends Runtime {
  /** Saves a whole flow set, as the editor does; the others on the same database are to hear of it. */
  deploy(flows: readonly FlowNode[]): Promise<void>;
}

/** Starts the same with the article's own plugin, which keeps flows in MongoDB and follows them there. */
export async function startSyncedPeer(
  port: number,
  core: string,
  store: { readonly uri: string; readonly database: string },
): Promise<SyncedPeer> {
  const plugin = createRequire(import.meta.url).resolve("node-red-mongo-storage-plugin-with-sync");
  const options = { mongoUrl: store.uri, database: store.database, adminApiUrl: originOf(port) };
  const storage = `storageModule: require(${JSON.stringify(plugin)}),
      storageModuleOptions: ${JSON.stringify(options)}`;
  const runtime = await launch(port, core, newFolder(), storage);
  return { ...runtime, deploy: (flows) => postFlows(originOf(port), "nodes", flows) };
}

const originOf = (port: number) => `http://127.0.0.1:${port}`;

const newFolder = () => mkdtempSync(join(tmpdir(), "redfleet-peer-"));

/** @param storage the settings that say where flows are. */
async function launch(
  port: number,
  core: string,
  folder: string,
  storage: string,
): Promise<Runtime> {
  const entry = await peerNodeRed();
  const settings = join(folder, "settings.js");
  writeFileSync(
    settings,
    `module.exports = { uiPort: ${port}, uiHost: "127.0.0.1", httpNodeRoot: "/red-nodes",
      ${storage}, credentialSecret: "bench", telemetry: { enabled: false },
      logging: { console: { level: "warn" } } };`,
  );
  const running = startPinned(core, process.execPath, [entry, "-u", folder, "-s", settings]);
  await until("the process was replaced by Node", () => running.pid > 0, { every: 1 });
  return {
    pid: running.pid,
    stop: async () => {
      running.kill("SIGKILL");
      await running.finished;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
