import { combine, type Observation, observePart, type State } from "./observe.ts";
import type { Part } from "./part.ts";
import type { Route, StackView } from "./view.ts";

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
  /** Port of HTTPS on the host; 0 if there is no edge. */
  https: number;
  /** Certificate of the platform's own CA; null before there is one. */
  caFile: string | null;
  clusters: Record<string, ClusterStatus>;
  tenants: Record<string, TenantStatus>;
  components: Record<string, ComponentStatus>;
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
}

/** Port of HTTPS inside the edge container. */
const HTTPS = "8443/tcp";
const RUNTIMES = new Set(["editor", "replica", "tenant"]);

/** Puts the status together: no input or output, so it works with whatever parts are down. */
export function assembleStatus(view: StackView, known: Knowledge): Status {
  const https = view.parts.find((part) => part.component === "edge")?.ports[HTTPS] ?? 0;
  const url = (host: string) => `https://${host}${https === 0 || https === 443 ? "" : `:${https}`}`;
  const routes = view.routes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const each = <T>(kind: Route["kind"], status: (route: Route) => T): Record<string, T> =>
    Object.fromEntries(routes.filter((r) => r.kind === kind).map((r) => [r.key, status(r)]));
  return {
    stack: view.stack,
    domain: domainOf(view),
    https,
    caFile: known.caFile,
    clusters: each("cluster", (route) => clusterStatus(view, known, route, url)),
    tenants: each("tenant", (route) => tenantStatus(view, known, route, url)),
    components: componentsOf(view, known),
  };
}

/** True for containers that run Node-RED. */
export const isRuntime = (part: Part): boolean => RUNTIMES.has(part.component);

function clusterStatus(
  view: StackView,
  known: Knowledge,
  route: Route,
  url: (host: string) => string,
): ClusterStatus {
  const own = view.parts.filter((part) => part.key === route.key);
  const editor = own.find((part) => part.component === "editor");
  const judged = editor ? observeRuntime(editor, known) : missing("the editor");
  const replicas = own
    .filter((part) => part.component === "replica")
    .map((part) => ({ name: part.name, ...observeRuntime(part, known) }));
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

function tenantStatus(
  view: StackView,
  known: Knowledge,
  route: Route,
  url: (host: string) => string,
): TenantStatus {
  const part = view.parts.find((one) => one.component === "tenant" && one.key === route.key);
  const [host = "", ...aliases] = route.hosts;
  const { state, reason } = tenantState(part, known, route);
  return { url: url(host), aliases: aliases.map(url), state, reason };
}

function tenantState(part: Part | undefined, known: Knowledge, route: Route): Observation {
  const declared = "stopped in the stack file";
  if (!part) return route.state === "stopped" ? { state: "stopped", reason: declared } : missing();
  const observed = observeRuntime(part, known);
  if (route.state === "running") return observed;
  if (part.status === "running") return { state: "stopping", reason: declared };
  return { state: "stopped", reason: declared };
}

interface RuntimeObservation extends Observation {
  revision: number | null;
}

const missing = (what = "its container"): RuntimeObservation => ({
  state: "error",
  reason: `${what} does not exist: run redfleet up`,
  revision: null,
});

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

function componentsOf(view: StackView, known: Knowledge): Record<string, ComponentStatus> {
  const others = view.parts.filter((part) => !isRuntime(part));
  return Object.fromEntries(
    others.map((part) => [
      part.name,
      { component: part.component, ...observePart(part, known.lastLines.get(part.name)) },
    ]),
  );
}

/** The agent is told the domain; without an agent a cluster's host name gives it away. */
function domainOf(view: StackView): string {
  const agent = view.parts.find((part) => part.component === "agent");
  const told = agent?.environment.REDFLEET_DOMAIN;
  return told ?? view.routes[0]?.hosts[0]?.split(".").slice(1).join(".") ?? "";
}
