import { isIPv4 } from "node:net";
import type { Container } from "../model.ts";
import type { Route } from "../routes.ts";
import type { EdgeSettings } from "../settings.ts";

/** Host name → what HAProxy needs to answer for it, as one value so that it changes in one step. */
export type RouteMap = Map<string, string>;

/** Where the map lies in the edge; HAProxy's runtime commands name it by this path. */
export const mapPath = "/edge/routes.map";

/** Seconds over which rates are measured: short bursts pass. */
export const rateWindow = 10;

function backend(route: Route): string {
  if (route.state === "stopped") return "stopped";
  return route.kind === "tenant" ? "tenants" : `editor-${route.key}`;
}

/**
 * `backend|key|upstream|body bytes|requests per window|address`; frontends.ts and backends.ts read them. The last
 * one is empty unless the route leads to a tenant that runs.
 */
function value(route: Route, settings: EdgeSettings, address = ""): string {
  const body = route.options.bodyLimitBytes ?? settings.bodyLimitBytes;
  const rate = route.options.rateLimitPerSecond ?? settings.rateLimitPerSecond;
  return [backend(route), route.key, route.upstream, body, rate * rateWindow, address].join("|");
}

/** The backend that a value leads to. */
export const backendOf = (entry: string): string => entry.slice(0, entry.indexOf("|"));

/** The map for all routes; `addresses` are those of running tenants by the names of their containers. */
export function routeMap(
  routes: Route[],
  settings: EdgeSettings,
  addresses: ReadonlyMap<string, string>,
): RouteMap {
  const entry = (route: Route) => value(route, settings, addresses.get(route.upstream));
  return new Map(routes.flatMap((route) => route.hosts.map((host) => [host, entry(route)])));
}

/** Where tenants answer: each is in no network but its own. */
export function tenantAddresses(containers: readonly Container[]): Map<string, string> {
  return new Map(
    containers.flatMap(({ name, component, networks }) => {
      const address = [...networks.values()].flat().find(isIPv4);
      return component === "tenant" && address ? [[name, address]] : [];
    }),
  );
}

/** The map's file, sorted so that the same routes give the same bytes. */
export function renderMap(map: RouteMap): string {
  const lines = [...map].map(([host, entry]) => `${host} ${entry}\n`);
  return lines.sort().join("");
}

/** Reads the answer of `show map`: an internal address, the key, the value in each line. */
export function parseShownMap(answer: string): RouteMap {
  const lines = answer.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(
    lines.flatMap(([, host, entry]) => (host && entry ? [[host, entry] as const] : [])),
  );
}

/** The runtime commands that turn the live map into the wanted one. */
export function diffMap(live: RouteMap, wanted: RouteMap): string[] {
  const added = [...wanted].filter(([host]) => !live.has(host));
  const changed = [...wanted].filter(([host, entry]) => live.has(host) && live.get(host) !== entry);
  const removed = [...live.keys()].filter((host) => !wanted.has(host));
  return [
    ...added.map(([host, entry]) => `add map ${mapPath} ${host} ${entry}`),
    ...changed.map(([host, entry]) => `set map ${mapPath} ${host} ${entry}`),
    ...removed.map((host) => `del map ${mapPath} ${host}`),
  ];
}
