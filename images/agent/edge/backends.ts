import { createHash } from "node:crypto";
import { page } from "./frontends.ts";
import type { ClusterRoute } from "./input.ts";
import { rateWindow } from "./map.ts";

/** Most replicas of one cluster; a free place costs a few kilobytes. */
const maxReplicas = 64;

const unavailable = `  http-error status 503 ${page("starting")} hdr Retry-After 2
  http-error status 504 ${page("starting")} hdr Retry-After 2`;

// The runtime's readiness, on its health port. Addresses come from Docker's resolver; after a reload
// those of the last worker go on. No lookup at start: it would ask once for every free place.
const server = [
  "check port 1881 inter 500ms fastinter 250ms fall 2 rise 1",
  "resolvers docker resolve-prefer ipv4 init-addr last,none",
].join(" ");

/** Binds a client to its replica. The cookie's value is a keyed hash of the replica's address. */
function stickiness(cluster: ClusterRoute, stack: string): string {
  if (!cluster.options.sticky) return "";
  const key = createHash("sha256").update(`${stack}/${cluster.key}`).digest("hex").slice(0, 32);
  return `  cookie redfleet-replica insert indirect nocache httponly secure dynamic
  dynamic-cookie-key ${key}
`;
}

/** A cluster's two backends: the API's replicas and the editor. */
export function clusterBackends(cluster: ClusterRoute, stack: string): string {
  return `backend api-${cluster.key}
  balance leastconn
  option httpchk GET /readyz
${stickiness(cluster, stack)}${unavailable}
  # One that ended without an answer may have ended of the request: no more than one other gets it.
  retries 1
  default-server observe layer4 error-limit 3 on-error mark-down
  server-template replica 1-${maxReplicas} ${cluster.api}:1880 ${server}

backend editor-${cluster.key}
  option httpchk GET /readyz
${unavailable}
  server editor ${cluster.upstream}:1880 ${server}
`;
}

/** What every edge has: all tenants in one backend, stopped ones, and the tables of the limits. */
export const staticBackends = `backend tenants
${unavailable}
  http-request do-resolve(txn.address,docker,ipv4) var(txn.upstream)
  # An engine that is busy, or starts again, does not answer in time: what the agent has seen last holds.
  http-request set-var(txn.address) var(txn.route),field(6,|) if !{ var(txn.address) -m found } { var(txn.route),field(6,|) -m ip 0.0.0.0/0 }
  http-request return status 503 ${page("starting")} hdr Retry-After 2 unless { var(txn.address) -m found }
  http-request set-dst var(txn.address)
  http-request set-dst-port int(1880)
  server tenant 0.0.0.0:0

backend stopped
  no log
  http-request return status 503 ${page("stopped")}

backend rates
  no log
  stick-table type string len 64 size 100k expire ${rateWindow * 3}s store http_req_rate(${rateWindow}s)

backend logins
  no log
  stick-table type string len 64 size 10k expire 2m store http_req_rate(60s)

backend connections
  no log
  stick-table type ipv6 size 20k expire 1m store conn_cur

backend requests
  no log
  stick-table type ipv6 size 20k expire 1m store conn_cur
`;
