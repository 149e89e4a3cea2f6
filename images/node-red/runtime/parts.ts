/** What a process consists of. */
import type { Boots } from "./boots.ts";
import type { Canary } from "./canary.ts";
import type { SharedContext } from "./context/index.ts";
import type { DebugEnd } from "./debug/channels.ts";
import type { Deploys } from "./deploys.ts";
import type { StoredDocument } from "./documents.ts";
import type { RuntimeConfig } from "./environment.ts";
import type { Gate } from "./gate.ts";
import type { LazyNodes } from "./lazy-nodes.ts";
import type { Leaders } from "./leader/types.ts";
import type { Logger } from "./log.ts";
import type { NodeRed } from "./node-red.ts";
import type { Packages } from "./packages/index.ts";
import type { Reloader } from "./reload.ts";
import type { Saves } from "./saves.ts";
import type { HttpServer } from "./server.ts";
import type { Status } from "./status.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

/** What is there before the flow store was read. */
export interface Base {
  config: RuntimeConfig;
  log: Logger;
  red: NodeRed;
  store: FlowStore;
  status: Status;
  boots: Boots;
  canary: Canary;
  nodes: LazyNodes;
}

/** The built parts of a process. */
export interface Parts extends Base {
  gate: Gate;
  http: HttpServer;
  packages: Packages;
  saves: Saves;
  deploys: Deploys;
  reloader: Reloader;
  context: SharedContext | undefined;
  leaders: Leaders;
  debug: DebugEnd | undefined;
}

/** What is read before Node-RED starts. */
export interface Stored {
  initial: FlowSet | null;
  settings: StoredDocument;
  sessions: StoredDocument;
}
