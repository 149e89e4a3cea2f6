/** Puts the parts of a process together, in the order in which they need each other. */
import { createAdminAuth } from "./auth.ts";
import { Boots } from "./boots.ts";
import { createSharedContext, type SharedContext } from "./context/index.ts";
import { reportCrashes } from "./crashes.ts";
import type { DebugEnd } from "./debug/channels.ts";
import { openDebug } from "./debug/index.ts";
import { type Deploys, firstStart, guardDeploys, onStarts } from "./deploys.ts";
import { lastExpiry, openDocument, type StoredDocument } from "./documents.ts";
import { drain } from "./drain.ts";
import { EnvironmentError, parseEnvironment, type RuntimeConfig } from "./environment.ts";
import { followFleet } from "./fleet.ts";
import { Gate } from "./gate.ts";
import { startHealthServer } from "./health-server.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { addFunctionGlobal, beforeFlows, narrowDependencyCheck } from "./internals.ts";
import { LazyNodes } from "./lazy-nodes.ts";
import { createLoneLeaders } from "./leader/alone.ts";
import { createLeaders } from "./leader/leaders.ts";
import type { Leaders } from "./leader/types.ts";
import { captureOutput, createLogger, type Logger, reasonOf } from "./log.ts";
import { trimWhenIdle } from "./memory.ts";
import { renderMetrics } from "./metrics.ts";
import { type FlowNode, loadNodeRed, type NodeRed } from "./node-red.ts";
import { createPackages, type Packages } from "./packages/index.ts";
import { missingFunctionModules } from "./packages/modules.ts";
import { obeyPins, pinProblems } from "./pins.ts";
import { register } from "./registry.ts";
import { Reloader } from "./reload.ts";
import { persist } from "./retry.ts";
import { CannotRun, EMPTY, type Saves } from "./saves.ts";
import { awaitSeal } from "./seal.ts";
import { createHttpServer, type HttpServer } from "./server.ts";
import { createSettings, credentialSecret, prepareUserDir } from "./settings.ts";
import { Status } from "./status.ts";
import { createStorage } from "./storage.ts";
import { openStore } from "./store/open.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";
import { Turns } from "./turns.ts";

/** `cluster.type` in function nodes. */
const CLUSTER_TYPES = { editor: "admin", replica: "worker", instance: "standalone" } as const;

/** What is there before the flow store was read. */
interface Base {
  config: RuntimeConfig;
  log: Logger;
  red: NodeRed;
  store: FlowStore;
  status: Status;
  boots: Boots;
  nodes: LazyNodes;
}

/** The built parts of a process. */
interface Parts extends Base {
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

function readEnvironment(): RuntimeConfig {
  try {
    return parseEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    const log = createLogger("error", { component: "node-red" });
    for (const problem of error.problems) log.error("the environment is wrong", { ...problem });
    process.exit(78);
  }
}

/** What is read before Node-RED starts. */
interface Stored {
  initial: FlowSet | null;
  settings: StoredDocument;
  sessions: StoredDocument;
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
    name: connectionName(config),
    ...(role !== "replica" && { storedNodes }),
  });
}

function openLeaders(config: RuntimeConfig, store: FlowStore, log: Logger): Leaders {
  const { valkey } = config;
  const nextFence = (lock: string) => store.nextFence(lock);
  if (valkey === undefined) return createLoneLeaders(nextFence);
  return createLeaders({ valkey, nextFence, name: connectionName(config), log });
}

const connectionName = ({ role, worker }: RuntimeConfig) => `redfleet-${role}-${worker}`;

/** What happens around each restart of flows. */
function openDeploys({ config, red, nodes, status, log }: Base, gate: Gate, turns: Turns): Deploys {
  // Nobody is served yet by one that starts, and an editor has no others of its kind.
  const beforeAll = async () => {
    if (config.role === "replica" && status.serving) await turns.take();
  };
  const onStuck = (error: string) => {
    log.error(`${error}: what runs is not known, requests are let in`);
    status.update({ state: "error", error, broken: true });
  };
  const deploys = guardDeploys({ red, gate, beforeAll, onStuck });
  beforeFlows(red, (flows) => nodes.prepare(flows));
  return deploys;
}

/** Node-RED's way to the flow store. */
function openStorage(base: Base, stored: Stored, packages: Packages, deploys: Deploys) {
  const { config, log, store, status, boots } = base;
  const { initial, settings, sessions } = stored;
  const readOnly = config.role === "replica";
  return createStorage({
    ...{ store, log, readOnly, settings, sessions },
    digest: () => packages.digest(),
    check: (flows) => checkFlows(base, flows),
    initial: readOnly ? EMPTY : (initial ?? EMPTY),
    beforeLoad: (flows) => base.nodes.prepare(flows),
    beforeRestart: deploys.beforeRestart,
    onSaved: ({ revision }) => {
      boots.runs(revision);
      status.update({ state: "running", revision, error: undefined });
    },
    onRestamped: ({ revision }) => status.update({ revision }),
    onRecovered: (lost, set) => tellRecovered(base, lost, set),
  });
}

/** Builds Node-RED around what the store holds. Replicas start empty and apply what is stored. */
function build(base: Base, stored: Stored): Parts {
  const { config, log, store, red, status, boots } = base;
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
  const adminAuth = createAdminAuth(store, log);
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
    red,
    nodes: base.nodes,
    saves,
    deploys,
    packages,
    status,
    turns,
    secret,
    log,
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

/** Starts Node-RED and waits until its first flows run. */
async function start(parts: Parts, initial: FlowSet | null): Promise<void> {
  const { red, config, http, status, deploys, packages, boots, log } = parts;
  const lacking = await packages.begin(initial);
  const first = firstStart(red.events);
  if (!boots.problem && config.role !== "replica") boots.runs(initial?.revision ?? 0);
  await http.listen(config.httpPort);
  await red.start();
  const stopped = await first;
  const problem = boots.problem ?? lacking ?? stopped;
  deploys.arm();
  const revision = initial?.revision ?? 0;
  if (config.role === "replica" && initial && !boots.problem) await offer(parts, initial);
  else {
    const state = problem ? "error" : "running";
    status.update({ state, revision, error: problem });
  }
  if (config.role !== "replica") {
    onStarts(red.events, (error) => {
      status.update({ state: error ? "error" : "running", error, broken: error !== undefined });
    });
  }
  // A replica that could not take the first revision it saw has nothing to serve yet.
  if (config.role !== "replica" || status.state === "running") serve(parts);
  else status.on("change", () => status.state === "running" && serve(parts));
  void packages.settle(initial, lacking).then(() => {
    if (lacking) status.update({ state: "running", error: undefined });
  });
  log.info("started", { revision: status.revision, state: status.state, port: config.httpPort });
}

/** Hands on what is stored, but for what has ended this process again and again. */
async function offer(parts: Parts, set: FlowSet): Promise<void> {
  const { boots, reloader, saves } = parts;
  if (saves.isOutdated(set)) return recover(parts);
  if (boots.withholds(set.revision)) return;
  boots.runs(set.revision);
  await reloader.offer(set);
}

/** Only who edits brings back what the store has lost: it has had every save, and there is one of it. */
async function recover({ config, red, saves, log }: Parts): Promise<void> {
  if (config.role === "replica") return;
  const running = async () => (await red.runtime.flows.getFlows({})).flows;
  await saves.recover(running).catch((error) => {
    log.warn("what runs here was not stored again", { reason: reasonOf(error) });
  });
}

function serve({ status, gate }: Parts): void {
  if (status.serving) return;
  status.serving = true;
  gate.open();
}

/** Follows the store, tells the registry, and in editors watches the replicas. */
function follow(parts: Parts): () => Promise<void> {
  const { config, store, status, red, debug, log } = parts;
  const registration = register(store, status, log);
  const fleet = config.role === "editor" ? followFleet(store, status, red.events, log) : undefined;
  store.watch({
    onFlowSet: (set) => void offer(parts, set),
    ...(fleet && { onWorker: fleet.refresh }),
  });
  return async () => {
    fleet?.stop();
    debug?.stop();
    const left = registration.leave();
    await Promise.all([red.stop(), parts.leaders.close()]);
    await left;
    await store.close();
  };
}

/**
 * The whole start; resolves when the process serves. It ends by SIGTERM.
 * @param open what opens the flow store.
 */
export async function launch(open = openStore): Promise<LazyNodes> {
  const config = readEnvironment();
  const { stack, role, name, worker } = config;
  const log = createLogger(config.logLevel, { component: role, stack, name, worker });
  captureOutput(log);
  let abandon = () => {};
  reportCrashes(log, () => abandon());
  startHeartbeat();
  const aborting = new AbortController();
  process.once("SIGTERM", () => aborting.abort());
  Object.assign(process.env, config.flowEnvironment);
  addFunctionGlobal("cluster", { type: CLUSTER_TYPES[role], workerId: worker });

  const store = open(config, `${role}-${worker}`, log);
  const connected = store.connect(aborting.signal);
  connected.catch(() => {});
  narrowDependencyCheck();
  const nodes = new LazyNodes({ editor: role !== "replica", log });
  const red = loadNodeRed();
  const nodeRed = typeof red.version === "function" ? red.version() : red.version;
  const status = new Status({ role, name, worker, nodeRed });
  let metrics = () => "";
  await startHealthServer({ status, metrics: () => metrics(), port: config.healthPort });
  await awaitSeal(config.sealFile, status, log, aborting.signal);
  const boots = new Boots(config.userDir);
  if (boots.problem) log.error(boots.problem);
  if (boots.mode === "stopped") {
    status.update({ state: "error", error: boots.problem });
    process.once("SIGTERM", () => process.exit(0));
    return nodes;
  }
  await connected;
  const stored = await readStored(config, store, log, aborting.signal);

  const parts = build({ config, log, store, red, status, boots, nodes }, stored);
  const { gate, reloader, context } = parts;
  abandon = () => gate.abandon();
  metrics = () => {
    const reloads = reloader.counters;
    return renderMetrics({ status, gate, boots, reloads, nodes, context: context?.counters });
  };
  await start(parts, stored.initial);
  const stop = follow(parts);
  trimWhenIdle(() => gate.inFlight + gate.waitingCount > 0);
  const end = async () => {
    const { http } = parts;
    await drain({ status, gate, http, drainSeconds: config.drainSeconds, log, stop });
    process.exit(0);
  };
  if (aborting.signal.aborted) await end();
  else process.once("SIGTERM", () => void end());
  process.once("SIGINT", () => void end());
  return nodes;
}
