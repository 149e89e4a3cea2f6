import type { RouteRecord } from "./model.ts";

/** Per-route knobs; what is absent falls back to the edge's settings. */
export interface RouteOptions {
  bodyLimitBytes?: number;
  rateLimitPerSecond?: number;
  /** Clusters only: a client stays with its replica, by a cookie. */
  sticky?: boolean;
}

interface RouteBase {
  key: string;
  /** Full host names, the first is the main one. */
  hosts: string[];
  state: "running" | "stopped";
  /** The container that answers: the tenant, or the cluster's editor. */
  upstream: string;
  options: RouteOptions;
}

/** What the edge has to know of one tenant or cluster. */
export type Route =
  | (RouteBase & { kind: "tenant" })
  | (RouteBase & { kind: "cluster"; api: string; prefix: string });

/** A record that cannot be used, and why. */
export interface BadRoute {
  record: string;
  reason: string;
}

const name = /^[a-z0-9]([a-z0-9_.-]{0,126}[a-z0-9])?$/;
const host = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*$/;
const prefix = /^(\/[A-Za-z0-9._~-]+)+$/;

/** Everything here ends up in a configuration file: only what matches its rule is let through. */
function field(record: RouteRecord, key: string, rule: RegExp): string {
  const value = record.labels[`redfleet.${key}`] ?? "";
  if (!rule.test(value)) throw new Error(`redfleet.${key} is "${value}"`);
  return value;
}

function hosts(record: RouteRecord): string[] {
  const listed = (record.labels["redfleet.route.hosts"] ?? "").split(",");
  const names = listed.map((one) => one.trim().toLowerCase());
  const bad = names.find((one) => !host.test(one));
  if (bad !== undefined) throw new Error(`redfleet.route.hosts holds "${bad}"`);
  return names;
}

function options(record: RouteRecord): RouteOptions {
  const fields = JSON.parse(record.labels["redfleet.route.options"] || "{}") as RouteOptions;
  const { bodyLimitBytes, rateLimitPerSecond, sticky } = fields;
  for (const [key, value] of Object.entries({ bodyLimitBytes, rateLimitPerSecond })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0)) {
      throw new Error(`option ${key} is ${JSON.stringify(value)}`);
    }
  }
  return { bodyLimitBytes, rateLimitPerSecond, sticky: sticky === true };
}

function parse(record: RouteRecord): Route {
  const base: RouteBase = {
    key: field(record, "name", name),
    hosts: hosts(record),
    state: record.labels["redfleet.route.state"] === "stopped" ? "stopped" : "running",
    upstream: field(record, "route.upstream", name),
    options: options(record),
  };
  const kind = field(record, "route.kind", /^(tenant|cluster)$/);
  if (kind === "tenant") return { ...base, kind };
  return {
    ...base,
    kind: "cluster",
    api: field(record, "route.api", name),
    prefix: field(record, "route.prefix", prefix),
  };
}

/**
 * Routes in a stable order, and the records that cannot be used. A host that two records claim
 * stays with the first of them in that order: nobody takes over a host that answers already.
 */
export function parseRoutes(records: RouteRecord[]): { routes: Route[]; bad: BadRoute[] } {
  const routes: Route[] = [];
  const bad: BadRoute[] = [];
  const taken = new Map<string, string>();
  for (const record of [...records].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    try {
      const route = parse(record);
      const free = route.hosts.filter((one) => !taken.has(one));
      for (const one of route.hosts.filter((each) => taken.has(each))) {
        bad.push({ record: record.name, reason: `${one} belongs to ${taken.get(one)}` });
      }
      for (const one of free) taken.set(one, record.name);
      routes.push({ ...route, hosts: free });
    } catch (error) {
      bad.push({ record: record.name, reason: (error as Error).message });
    }
  }
  return { routes, bad };
}
