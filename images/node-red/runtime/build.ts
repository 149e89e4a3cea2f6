/** Builds Node-RED, and what the platform puts around it. */
import { createAdminAuth } from "./auth.ts";
import { createSharedContext } from "./context/index.ts";
import { openDebug } from "./debug/index.ts";
import { type Deploys, guardDeploys } from "./deploys.ts";
import type { RuntimeConfig } from "./environment.ts";
import { Gate } from "./gate.ts";
import { beforeFlows } from "./internals.ts";
import { createLoneLeaders } from "./leader/alone.ts";
import { createLeaders } from "./leader/leaders.ts";
import type { Leaders } from "./leader/types.ts";
import type { Logger } from "./log.ts";
import type { FlowNode } from "./node-red.ts";
import { createPackages, type Packages } from "./packages/index.ts";
import { missingFunctionModules } from "./packages/modules.ts";
import type { Base, Parts, Stored } from "./parts.ts";
import { obeyPins, pinProblems } from "./pins.ts";
import { Reloader } from "./reload.ts";
import { persist } from "./retry.ts";
import { CannotRun, EMPTY, type Saves } from "./saves.ts";
import { createHttpServer } from "./server.ts";
import { createSettings, credentialSecret, prepareUserDir } from "./settings.ts";
import { createStorage } from "./storage.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";
import { Turns } from "./turns.ts";

/** Context in Valkey. Replicas never clean it: only the editor knows what was removed. */
function openContext(config: RuntimeConfig, store: FlowStore, saves: Saves, log: Logger) {
  const { valkey, role, context } = config;
  if (valkey === undefined) return undefined;
  const storedNodes = async () => {
    const set = await store.read();
    const revision = set?.revision ?? 0;
    if (revision < saves.current.revision) throw new Error(`revision ${revision} is outdated`);
    return new Set((JSON.parse(set?.flows ?? "[]") as FlowNode[]).map(({ id }) => id));
  };
  return createSharedContext({
    ...{ valkey, log, synchronous: context.synchronous },
    timeoutMs: context.timeoutSeconds * 1000,
    name: connectionName(config),
    ...(role !== "replica" && { storedNodes }),
  });
}

function openLeaders(config: RuntimeConfig, store: FlowStore, log: Logger): Leaders {
  const { valkey, worker } = config;
  const nextFence = (lock: string) => store.nextFence(lock);
  if (valkey === undefined) return createLoneLeaders(worker, nextFence, log);
  return createLeaders({ valkey, worker, nextFence, name: connectionName(config), log });
}

const connectionName = ({ role, worker }: RuntimeConfig) => `redfleet-${role}-${worker}`;

/** What happens around each restart of flows. */
function openDeploys(base: Base, gate: Gate, turns: Turns): Deploys {
  const { config, red, nodes, status, canary, log } = base;
  // Nobody is served yet by one that starts, and an editor has no others of its kind.
  const beforeAll = async () => {
    if (config.role === "replica" && status.serving) await turns.take();
  };
  const onStuck = (error: string) => {
    log.error(`${error}: what runs is not known, requests are let in`);
    status.update({ state: "error", error, broken: true });
  };
  const onEnd = () => canary.settle();
  const deploys = guardDeploys({ red, gate, beforeAll, onEnd, onStuck });
  beforeFlows(red, (flows) => nodes.prepare(flows));
  return deploys;
}

/** Node-RED's way to the flow store. */
function openStorage(base: Base, stored: Stored, packages: Packages, deploys: Deploys) {
  const { config, log, store, status, boots, canary } = base;
  const { initial, settings, sessions } = stored;
  const readOnly = config.role === "replica";
  return createStorage({
    ...{ store, log, readOnly, settings, sessions },
    digest: () => packages.digest(),
    check: (flows) => checkFlows(base, flows),
    initial: readOnly ? EMPTY : (initial ?? EMPTY),
    beforeLoad: (flows) => base.nodes.prepare(flows),
    beforeRestart: deploys.beforeRestart,
    onSaved: (set) => {
      const { revision } = set;
      boots.runs(revision);
      canary.applies(set);
      status.update({ state: "running", revision, error: undefined });
    },
    onRestamped: ({ revision }) => status.update({ revision }),
    onRecovered: (lost, set) => tellRecovered(base, lost, set),
  });
}

/** Builds Node-RED around what the store holds. Replicas start empty and apply what is stored. */
export function build(base: Base, stored: Stored): Parts {
  const { config, log, store, red, nodes, status, boots, canary } = base;
  const gate = new Gate({ app: () => red.httpNode, graceMs: config.gateSeconds * 1000, log });
  const turns = new Turns({ store, worker: config.worker, log });
  const deploys = openDeploys(base, gate, turns);
  const restamp = () => persist("the packages were not stored", () => saves.restamp(), log);
  const packages = createPackages({ config, store, log, restamp });
  const { module: storageModule, saves } = openStorage(base, stored, packages, deploys);
  const admin = () => (config.role === "replica" ? undefined : red.httpAdmin);
  const { httpNodeRoot } = config;
  const http = createHttpServer({ gate, httpNodeRoot, admin, node: () => red.httpNode });
  prepareUserDir(config.userDir);
  const secret = credentialSecret(config);
  const adminAuth = createAdminAuth(red, store, log);
  const context = openContext(config, store, saves, log);
  const leaders = openLeaders(config, store, log);
  const debug = openDebug({ config, red, status, name: connectionName(config), log });
  const nodeRedSettings = createSettings({
    ...{ config, secret, adminAuth, log, leaders, storageModule },
    sharedContext: context?.store,
    adminMiddleware: debug?.adminMiddleware,
    userDir: () => packages.folder,
    safeMode: boots.mode === "safe",
  });
  obeyPins(config);
  red.init(http.server, nodeRedSettings);
  const reloader = new Reloader({
    ...{ red, nodes, saves, deploys, packages },
    ...{ status, turns, canary, secret, log },
  });
  return { ...base, gate, http, packages, saves, deploys, reloader, context, leaders, debug };
}

/** In the log, and in every open editor. */
function tellRecovered({ red, log }: Base, lost: number, { revision }: FlowSet): void {
  log.warn("the flow store had lost a revision, what runs here is stored again", {
    lost,
    revision,
  });
  const text = `The flow store had lost revision ${lost}. What runs here is stored again, as revision ${revision}.`;
  const payload = { type: "warning", text, timeout: 60_000 };
  red.events.emit("runtime-event", { id: "redfleet-flow-store", payload, retain: false });
}

/** What Node-RED would save, and then start none of it or not where it is wanted. */
async function checkFlows({ config, red }: Base, flows: FlowNode[]): Promise<void> {
  const missing = await missingFunctionModules(red, flows);
  const problems = [
    ...(missing.length > 0 ? [`modules of functions: ${missing.join(", ")}`] : []),
    ...pinProblems(flows, config),
  ];
  if (problems.length > 0) throw new CannotRun(`Nothing was deployed: ${problems.join("; ")}`);
}
