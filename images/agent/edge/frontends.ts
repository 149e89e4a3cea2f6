import type { EdgeSettings } from "../settings.ts";
import type { ClusterRoute, ConfigInput } from "./input.ts";
import { mapPath, rateWindow } from "./map.ts";

const html = `content-type "text/html; charset=utf-8" hdr Cache-Control no-store`;

/** A page of the edge's own as an argument of `return` and `http-error`. */
export const page = (file: string) => `${html} lf-file /redfleet/pages/${file}.html`;

/** Host → route by the run-time map; the value's fields are those of map.ts. All of the header: a list is no host. */
const routing = `  http-request set-var(txn.host) req.fhdr(host),host_only,lower,rtrim(.)
  http-request set-var(txn.route) var(txn.host),map_str(${mapPath})
  http-request return status 421 ${page("unknown")} unless { var(txn.route) -m found }`;

const fields = `  http-request set-var(txn.backend) var(txn.route),field(1,|)
  http-request set-var(txn.name) var(txn.route),field(2,|)
  http-request set-var(txn.upstream) var(txn.route),field(3,|)
  http-request set-var(txn.body) var(txn.route),field(4,|),add(0)
  http-request set-var(txn.rate) var(txn.route),field(5,|),add(0)`;

/**
 * What one source may hold at a time: connections, and requests in them, since an HTTP/2 connection
 * carries a hundred and each may keep a buffer. Without it one client fills the proxy's memory.
 */
function sourceLimits({ connectionsPerSource: most }: EdgeSettings) {
  if (most === 0) return { connections: "", requests: "" };
  const connections = `  tcp-request connection track-sc2 src table connections
  tcp-request connection reject if { sc_conn_cur(2) gt ${most} }
`;
  const requests = `  http-request track-sc3 src table requests
  http-request return status 429 content-type text/plain string "too many requests at a time\\n" hdr Retry-After 1 if { sc_conn_cur(3) gt ${most} }
`;
  return { connections, requests };
}

function rateLimits(settings: EdgeSettings): string {
  const login = settings.loginLimitPerMinute;
  const lines = [
    "  http-request set-var(txn.bucket) src,concat(/,txn.name)",
    "  http-request track-sc0 var(txn.bucket) table rates if { var(txn.rate) -m int gt 0 }",
    "  acl over_rate sc_http_req_rate(0),sub(txn.rate) gt 0",
    `  http-request return status 429 content-type text/plain string "too many requests\\n" hdr Retry-After ${rateWindow} if { var(txn.rate) -m int gt 0 } over_rate`,
  ];
  if (login > 0) {
    lines.push(
      // The runtimes' router takes any case and a slash at the end.
      "  acl login path -i /auth/token /auth/token/",
      "  http-request track-sc1 var(txn.bucket) table logins if METH_POST login",
      `  http-request return status 429 content-type text/plain string "too many logins\\n" hdr Retry-After 60 if METH_POST login { sc_http_req_rate(1) gt ${login} }`,
    );
  }
  return lines.join("\n");
}

/**
 * A body with a length is judged by it. One without is read first, as far as 16 KiB: HAProxy cannot
 * cap a stream, so a longer one has to state its length (411). A websocket has no body, and a
 * request that wants to be one and brings a body is refused.
 */
const bodyLimits = `  acl has_length req.hdr(content-length) -m found
  acl too_long req.hdr_val(content-length),sub(txn.body) gt 0
  acl read_too_long req.body_len,sub(txn.body) gt 0
  acl websocket req.hdr(upgrade) -m found
  acl chunked req.hdr(transfer-encoding) -m found
  http-request return status 413 content-type text/plain string "body too large\\n" if has_length too_long
  http-request return status 400 if websocket chunked
  http-request return status 431 if !has_length { req.hdrs,length gt 12288 }
  http-request wait-for-body time 10s at-least 16384 if !has_length !websocket
  http-request return status 413 content-type text/plain string "body too large\\n" if !has_length read_too_long
  http-request return status 411 content-type text/plain string "state the length of a long body\\n" if !has_length { req.body_len ge 16384 }`;

/** What a client says about itself is dropped, what the edge knows is said. */
function forwarded(settings: EdgeSettings): string {
  return `  http-request del-header x-forwarded- -m beg
  http-request del-header forwarded
  http-request del-header x-real-ip
  http-request del-header proxy
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.fhdr(host)]
  http-request set-header X-Forwarded-Port ${settings.publicHttpsPort}`;
}

/** Only what RFC 9110 calls idempotent is sent a second time after a server has seen it. */
const retries = `  acl idempotent method GET HEAD OPTIONS TRACE PUT DELETE
  http-request disable-l7-retry unless idempotent`;

/** The API's prefix goes to the replicas; a path that climbs out of it goes nowhere. */
function clusterRules(cluster: ClusterRoute): string {
  const { key, prefix } = cluster;
  return `  acl of-${key} var(txn.backend) -m str editor-${key}
  acl api-${key} path ${prefix}
  acl api-${key} path_beg ${prefix}/
  http-request deny deny_status 400 if of-${key} api-${key} climbs
  use_backend api-${key} if of-${key} api-${key}`;
}

function clusterRouting(clusters: ClusterRoute[]): string {
  const climbs = "  acl climbs path -m reg -i (/|%2f|%5c)(\\.|%2e){1,2}(/|%2f|%5c|;|$)";
  const rules = clusters.map(clusterRules);
  return [...(rules.length ? [climbs] : []), ...rules].join("\n");
}

function redirect(settings: EdgeSettings): string {
  const port = settings.publicHttpsPort === 443 ? "" : `:${settings.publicHttpsPort}`;
  return `frontend http
  bind :${settings.httpPort}
${sourceLimits(settings).connections}${routing}
  http-request redirect code 308 location https://%[var(txn.host)]${port}%[pathq]
`;
}

const health = `frontend health
  bind 127.0.0.1:8404
  no log
  http-request use-service prometheus-exporter if { path /metrics }
  http-request return status 200 content-type text/plain string "ok\\n" if { path /healthz }
  http-request return status 404
`;

/** What is told of a request: JSON, as all parts of the platform write it. */
const line = [
  "%(level)[str(error)] %(component)[str(edge)] %(message)[str(answered in place of a runtime)]",
  "%(host)[var(txn.host)] %(status)ST %(termination)ts %(backend)b %(server)s %(retries)rc",
  "%(waitMs)Tw %(connectMs)Tc %(totalMs)Ta %(method)HM %(path)HPO %(client)ci",
].join(" ");

/**
 * Requests are of level info, which is not written. One that the edge fails by itself is raised to an error: at
 * most one a second and name, so that nobody can fill the log. What a runtime answers is not the edge's to tell,
 * and a tenant that is declared stopped is no failure.
 */
const failures = `  log-format "%{+json}o ${line}"
  http-response set-var(txn.answered) bool(true)
  acl failed status 500:599
  acl declared var(txn.answered) -m found
  acl declared var(txn.backend) -m str stopped
  http-after-response set-var(txn.second) date if failed !declared
  acl told var(txn.name),map_str_int(virt@told,0),sub(txn.second) eq 0
  http-after-response set-log-level err if failed !declared !told
  http-after-response set-map(virt@told) %[var(txn.name)] %[var(txn.second)] if failed !declared !told`;

/** How long a connection without a request is kept, in seconds. Clients are told, so that they close it first. */
export const idleSeconds = 10;

/** HTTP → HTTPS, HTTPS → backends, and health and metrics on the loopback. */
export function frontends({ settings, clusters, certificates }: ConfigInput): string {
  const files = certificates.map((file) => `crt ${file}`).join(" ");
  const hsts = settings.hsts
    ? '  http-after-response set-header Strict-Transport-Security "max-age=63072000"\n'
    : "";
  const held = sourceLimits(settings);
  const https = `frontend https
  bind :${settings.httpsPort} ssl ${files} alpn h2,http/1.1
${failures}
  http-after-response set-header Keep-Alive timeout=${idleSeconds}
${held.connections}${hsts}${held.requests}${routing}
${fields}
${rateLimits(settings)}
${bodyLimits}
${forwarded(settings)}
${retries}
${clusterRouting(clusters)}
  use_backend %[var(txn.backend)]
`;
  return [redirect(settings), https, health].join("\n");
}
