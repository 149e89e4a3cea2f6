import type { DeclaredPart } from "../../config/parts.ts";
import type { PlatformConfig } from "../../config/schema.ts";
import { redfleet } from "../hint.ts";
import { type Absence, observeAbsence } from "./absence.ts";
import { declaredRoutes, isUp, missingParts } from "./declared.ts";
import { combine, type Observation, observePart, type State } from "./observe.ts";
import type { Part } from "./part.ts";
import type { Route, StackView, Volume } from "./view.ts";

/** What a Node-RED runtime says of itself (the part of its `/status` that is used here). */
export interface RuntimeStatus {
  state: string;
  /** Revision of the flows it runs; null while it has none. */
  revision: number | null;
  error?: string;
}

export interface ReplicaStatus {
  /** Container, host and worker name. */
  name: string;
  state: State;
  revision: number | null;
  reason: string;
}

export interface ClusterStatus {
  url: string;
  apiUrl: string;
  state: State;
  /** Revision that the editor runs: the newest one. */
  revision: number | null;
  reason: string;
  replicas: ReplicaStatus[];
}

export interface TenantStatus {
  url: string;
  /** URLs of its further host names. */
  aliases: string[];
  state: State;
  /** Why it is not simply running; empty if it is. */
  reason: string;
}

/** One part of the platform that is no runtime: a store's member, the edge, the agent. */
export interface ComponentStatus extends Observation {
  component: string;
}

/** All that is known; {@link publicStatus} is what scripts get. */
export interface Status {
  stack: string;
  domain: string;
  /** Port of HTTPS on the host: the edge's, or the declared one without an edge; 0 if neither is known. */
  https: number;
  /** Certificate of the platform's own CA; null before there is one, and where certificates are given. */
  caFile: string | null;
  clusters: Record<string, ClusterStatus>;
  tenants: Record<string, TenantStatus>;
  components: Record<string, ComponentStatus>;
  /** Of a stack that is down: whose data is on the engine still (`mongodb`, `tenant-acme`). */
  kept: readonly string[];
}

/** The answer of `redfleet status --json`: a contract, so nothing more and nothing less. */
export function publicStatus(status: Status) {
  const { stack, domain, https, caFile, tenants } = status;
  const clusters = mapValues(status.clusters, ({ url, apiUrl, state, revision, replicas }) => ({
    url,
    apiUrl,
    state,
    revision,
    replicas: replicas.map((one) => ({
      name: one.name,
      state: one.state,
      revision: one.revision,
    })),
  }));
  return { stack, domain, https, caFile, clusters, tenants };
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** What is known beside the engine's own description. */
export interface Knowledge {
  caFile: string | null;
  /** By container name; absent if it did not answer. */
  runtimes: ReadonlyMap<string, RuntimeStatus>;
  /** Last log line by container name, of those that are not well. */
  lastLines: ReadonlyMap<string, string>;
  absence: Absence;
}

/** Port of HTTPS inside the edge container. */
const HTTPS = "8443/tcp";
const RUNTIMES = new Set(["editor", "replica", "tenant"]);

/**
 * Puts the status together: no input or output, so it works with whatever parts are down.
 * @param platform what the stack file declares; without it nobody knows what is missing
 */
export function assembleStatus(
  view: StackView,
  known: Knowledge,
  platform?: PlatformConfig,
): Status {
  return isUp(view) ? judge(withDeclared(view, platform), known, platform) : nothing(view, known);
}

/** What the engine has, and what it should have. */
interface Judged extends StackView {
  readonly missing: readonly DeclaredPart[];
  /** Clusters and tenants as they are declared, by the upstream of their routes. */
  readonly declared: ReadonlyMap<string, Route>;
}

function withDeclared(view: StackView, platform: PlatformConfig | undefined): Judged {
  if (!platform) return { ...view, missing: [], declared: new Map() };
  const wanted = declaredRoutes(view.stack, platform);
  const present = new Set(view.routes.map(({ upstream }) => upstream));
  const added = wanted.filter((one) => !present.has(one.upstream));
  return {
    ...{ ...view, routes: [...view.routes, ...added], missing: missingParts(view, platform) },
    declared: new Map(wanted.map((one) => [one.upstream, one])),
  };
}

const nothing = ({ stack, volumes }: StackView, { caFile }: Knowledge): Status => ({
  ...{ stack, domain: "", https: 0, caFile, clusters: {}, tenants: {}, components: {} },
  kept: [...new Set(volumes.filter(isData).map(ownerOf))],
});

const isData = ({ name }: Volume): boolean => name.endsWith("-data");

/** `tenant-acme`, or `mongodb` for all of its members. */
const ownerOf = ({ component, key }: Volume): string => (key ? `${component}-${key}` : component);

function judge(view: Judged, known: Knowledge, platform: PlatformConfig | undefined): Status {
  const edge = view.parts.find((part) => part.component === "edge");
  const https = edge?.ports[HTTPS] ?? platform?.edge.https ?? 0;
  const url = (host: string) => `https://${host}${https === 0 || https === 443 ? "" : `:${https}`}`;
  const routes = view.routes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const each = <T>(kind: Route["kind"], status: (route: Route) => T): Record<string, T> =>
    Object.fromEntries(routes.filter((r) => r.kind === kind).map((r) => [r.key, status(r)]));
  return {
    stack: view.stack,
    domain: domainOf(view, platform),
    https,
    caFile: known.caFile,
    clusters: each("cluster", (route) => clusterStatus(view, known, route, url)),
    tenants: each("tenant", (route) => tenantStatus(view, known, route, url)),
    components: componentsOf(view, known),
    kept: [],
  };
}

/** True for containers that run Node-RED. */
export const isRuntime = ({ component }: Pick<Part, "component">): boolean =>
  RUNTIMES.has(component);

function clusterStatus(
  view: Judged,
  known: Knowledge,
  route: Route,
  url: (host: string) => string,
): ClusterStatus {
  const own = view.parts.filter((part) => part.key === route.key);
  const editor = own.find((part) => part.component === "editor");
  const judged = editor
    ? observeRuntime(editor, known)
    : missing(known, route.upstream, "the editor");
  const declared = view.declared.get(route.upstream)?.key;
  const replicas = byName([
    ...own
      .filter((part) => part.component === "replica")
      .map((part) => ({ name: part.name, ...observeRuntime(part, known) })),
    ...view.missing
      .filter(({ component, key }) => component === "replica" && key === declared)
      .map(({ name }) => ({ name, ...missing(known, name) })),
  ]);
  const revisions = replicas.map((replica) => replica.revision ?? 0);
  const ill = replicas.filter((replica) => replica.state !== "running");
  const address = url(route.hosts[0] ?? "");
  return {
    url: address,
    apiUrl: address + route.prefix,
    state: combine([judged.state, ...replicas.map((replica) => replica.state)]),
    revision: judged.revision ?? (Math.max(0, ...revisions) || null),
    reason: [
      ...(judged.reason ? [`editor: ${judged.reason}`] : []),
      ...ill.map((replica) => `${replica.name}: ${replica.reason || replica.state}`),
    ].join("; "),
    replicas,
  };
}

const byName = <T extends { name: string }>(entries: readonly T[]): T[] =>
  entries.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));

function tenantStatus(
  view: Judged,
  known: Knowledge,
  route: Route,
  url: (host: string) => string,
): TenantStatus {
  const part = view.parts.find((one) => one.component === "tenant" && one.key === route.key);
  const [host = "", ...aliases] = route.hosts;
  // What the stack file says now; the route is of the last `up`.
  const wanted = view.declared.get(route.upstream)?.state ?? route.state;
  const stopped =
    wanted === "stopped"
      ? "stopped in the stack file"
      : `stopped until the next ${redfleet("up", view.stack)}`;
  const { state, reason } = tenantState(part, known, route, stopped);
  return { url: url(host), aliases: aliases.map(url), state, reason };
}

/** @param stopped why a stopped one is */
function tenantState(
  part: Part | undefined,
  known: Knowledge,
  route: Route,
  stopped: string,
): Observation {
  if (!part && route.state === "stopped") return { state: "stopped", reason: stopped };
  if (!part) return missing(known, route.upstream);
  const observed = observeRuntime(part, known);
  if (route.state === "running") return observed;
  if (part.status === "running") return { state: "stopping", reason: stopped };
  return { state: "stopped", reason: stopped };
}

interface RuntimeObservation extends Observation {
  revision: number | null;
}

function missing(known: Knowledge, name: string, what = "its container"): RuntimeObservation {
  const { state, reason } = observeAbsence(name, known.absence);
  return { state, reason: `${what} ${reason}`, revision: null };
}

/** What the engine says, made finer by what the runtime says of itself. */
function observeRuntime(part: Part, known: Knowledge): RuntimeObservation {
  const observed = observePart(part, known.lastLines.get(part.name));
  const runtime = known.runtimes.get(part.name);
  const revision = runtime?.revision ?? null;
  if (!runtime || part.status !== "running") return { ...observed, revision };
  const reason = runtime.error ?? observed.reason;
  if (runtime.state === "error" || observed.state === "error") {
    return { state: "error", reason: reason || "the runtime reports an error", revision };
  }
  if (runtime.state === "draining") return { state: "stopping", reason: "drains", revision };
  // "reloading" serves on behind the gate, so it counts as running
  if (runtime.state !== "starting")
    return { state: "running", reason: runtime.error ?? "", revision };
  return { state: "starting", reason: reason || "starts", revision };
}

function componentsOf(view: Judged, known: Knowledge): Record<string, ComponentStatus> {
  const others = view.parts
    .filter((part) => !isRuntime(part))
    .map((part) => {
      const observed = observePart(part, known.lastLines.get(part.name));
      return { name: part.name, component: part.component, ...observed };
    });
  const gone = view.missing
    .filter((part) => !isRuntime(part))
    .map(({ name, component }) => ({ name, component, ...observeAbsence(name, known.absence) }));
  return Object.fromEntries(byName([...others, ...gone]).map(({ name, ...one }) => [name, one]));
}

/** The agent is told the domain; without an agent the stack file or a cluster's host name gives it away. */
function domainOf(view: StackView, platform: PlatformConfig | undefined): string {
  const agent = view.parts.find((part) => part.component === "agent");
  const told = agent?.environment.REDFLEET_DOMAIN ?? platform?.domain;
  return told ?? view.routes[0]?.hosts[0]?.split(".").slice(1).join(".") ?? "";
}
