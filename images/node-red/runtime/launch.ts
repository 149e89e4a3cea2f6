/** The start of a process, and its end. */
import { begin, offer } from "./begin.ts";
import { Boots } from "./boots.ts";
import { build } from "./build.ts";
import { Canary } from "./canary.ts";
import { reportCrashes } from "./crashes.ts";
import { lastExpiry, openDocument } from "./documents.ts";
import { drain } from "./drain.ts";
import type { RuntimeConfig } from "./environment.ts";
import { readEnvironment } from "./environment-exit.ts";
import { followFleet } from "./fleet.ts";
import { startHealthServer } from "./health-server.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { addFunctionGlobal, narrowDependencyCheck } from "./internals.ts";
import { LazyNodes } from "./lazy-nodes.ts";
import { captureOutput, createLogger, type Logger } from "./log.ts";
import { trimWhenIdle } from "./memory.ts";
import { renderMetrics } from "./metrics.ts";
import { loadNodeRed } from "./node-red.ts";
import type { Parts, Stored } from "./parts.ts";
import { register } from "./registry.ts";
import { inTime, persist } from "./retry.ts";
import { awaitSeal } from "./seal.ts";
import { Status } from "./status.ts";
import { openStore } from "./store/open.ts";
import type { FlowStore } from "./store/types.ts";

/** `cluster.type` in function nodes. */
const CLUSTER_TYPES = { editor: "admin", replica: "worker", instance: "standalone" } as const;

/** `cluster` in function nodes. The editor's process is none of the workers that serve. */
function clusterGlobal({ role, worker }: RuntimeConfig) {
  return { type: CLUSTER_TYPES[role], workerId: role === "editor" ? null : worker };
}

/** A store that hangs at the end must not take the time that flows need to stop. */
const RELEASE_MS = 300;

/** What there is to do only once the parts are built. */
interface Later {
  abandon(): void;
  metrics(): string;
}

function readStored(config: RuntimeConfig, store: FlowStore, log: Logger, signal: AbortSignal) {
  const readOnly = config.role === "replica";
  const read = async (): Promise<Stored> => ({
    initial: await store.read(),
    settings: await openDocument(store, "settings", readOnly, log),
    sessions: await openDocument(store, "sessions", readOnly, log, lastExpiry),
  });
  return persist("the flow store was not read", read, log, signal);
}

/** Follows the store, tells the registry, and in editors watches the replicas. */
function follow(parts: Parts): () => Promise<void> {
  const { config, store, status, red, debug, canary, log } = parts;
  const registration = register(store, status, log);
  const fleet = config.role === "editor" ? followFleet(store, status, red.events, log) : undefined;
  const { told } = status;
  store.watch({
    onFlowSet: (set) => {
      told.events += 1;
      void offer(parts, set);
    },
    onBreak: () => {
      told.breaks += 1;
    },
    ...(fleet && {
      onWorker: () => {
        told.events += 1;
        fleet.refresh();
      },
    }),
  });
  return async () => {
    fleet?.stop();
    debug?.stop();
    const left = Promise.all([registration.leave(), canary.stop()]);
    // Awaited below: with the store away it may fail before that.
    left.catch(() => {});
    try {
      // First: nobody leads until another worker has the lock, and many flows take long to stop.
      await inTime("the locks were not given back", parts.leaders.close(), RELEASE_MS, log);
      await red.stop();
      await left;
    } finally {
      await store.close();
    }
  };
}

/** @returns what SIGTERM aborts while the process starts. */
function prepareProcess(config: RuntimeConfig, log: Logger, later: Later): AbortSignal {
  const { flowEnvironment } = config;
  captureOutput(log);
  reportCrashes(log, () => later.abandon());
  startHeartbeat();
  const aborting = new AbortController();
  process.once("SIGTERM", () => aborting.abort());
  // From a terminal: the same end.
  process.once("SIGINT", () => process.kill(process.pid, "SIGTERM"));
  Object.assign(process.env, flowEnvironment);
  addFunctionGlobal("cluster", clusterGlobal(config));
  return aborting.signal;
}

function loadRuntime({ role, name, worker }: RuntimeConfig, log: Logger) {
  narrowDependencyCheck();
  const nodes = new LazyNodes({ editor: role !== "replica", log });
  const red = loadNodeRed();
  const nodeRed = typeof red.version === "function" ? red.version() : red.version;
  return { nodes, red, status: new Status({ role, name, worker, nodeRed }) };
}

/** After too many crashes: the process only says why it does nothing. */
function stay(status: Status, { problem }: Boots): void {
  status.update({ state: "error", error: problem });
  process.once("SIGTERM", () => process.exit(0));
}

function metricsOf({ status, gate, boots, reloader, nodes, context }: Parts): string {
  const { counters: reloads } = reloader;
  return renderMetrics({ status, gate, boots, reloads, nodes, context: context?.counters });
}

/** Ends the process in order when it is told to, which may have been during its start. */
async function endInOrder(parts: Parts, signal: AbortSignal): Promise<void> {
  const { status, gate, http, config, log } = parts;
  const stop = follow(parts);
  const end = async () => {
    await drain({ status, gate, http, drainSeconds: config.drainSeconds, log, stop });
    process.exit(0);
  };
  if (signal.aborted) await end();
  else process.once("SIGTERM", () => void end());
}

/**
 * The whole start; resolves when the process serves. It ends by SIGTERM.
 * @param open what opens the flow store.
 */
export async function launch(open = openStore): Promise<LazyNodes> {
  const config = readEnvironment("node-red");
  const { stack, role, name, worker } = config;
  const log = createLogger(config.logLevel, { component: role, stack, name, worker });
  const later: Later = { abandon: () => {}, metrics: () => "" };
  const signal = prepareProcess(config, log, later);

  const store = open(config, `${role}-${worker}`, log);
  const connected = store.connect(signal);
  connected.catch(() => {});
  const { nodes, red, status } = loadRuntime(config, log);
  await startHealthServer({ status, metrics: () => later.metrics(), port: config.healthPort });
  await awaitSeal(config.sealFile, status, log, signal);
  const boots = new Boots(config.userDir);
  if (boots.problem) log.error(boots.problem);
  if (boots.mode === "stopped") {
    stay(status, boots);
    return nodes;
  }
  await connected;
  const stored = await readStored(config, store, log, signal);
  const canary = new Canary({ store, boots, role, worker, signal, log });
  await canary.begin(stored.initial);
  const parts = build({ config, log, store, red, status, boots, canary, nodes }, stored);
  later.abandon = () => parts.gate.abandon();
  later.metrics = () => metricsOf(parts);
  await begin(parts, stored.initial);
  trimWhenIdle(() => parts.gate.inFlight + parts.gate.waitingCount > 0);
  await endInOrder(parts, signal);
  return nodes;
}
