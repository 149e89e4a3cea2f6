import { createHash } from "node:crypto";
import type { EdgeSettings } from "../settings.ts";
import { clusterBackends, staticBackends } from "./backends.ts";
import { frontends, idleSeconds } from "./frontends.ts";
import type { ConfigInput } from "./input.ts";

// Mozilla "intermediate", guidelines 5.7: TLS 1.2 and 1.3, forward secrecy only. Curves are left to
// OpenSSL: 3.5 offers X25519MLKEM768 first, and older ones would refuse that name.
const ciphers = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");
const ciphersuites = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
].join(":");

/** Old workers end with their last websocket, or after twelve hours, or as the 64th of them. */
const global = (settings: EdgeSettings) => `global
  log stdout len 4096 format raw local0 notice
  maxconn ${settings.maxConnections}
  stats socket unix@/run/edge/admin.sock mode 660 level admin
  server-state-file /run/edge/servers.state
  hard-stop-after 12h
  mworker-max-reloads 64
  tune.stick-counters 4
  # One connection keeps a few buffers, not a hundred.
  tune.h2.fe.max-concurrent-streams 32
  # Room for chunked bodies that are read before they are let through.
  tune.bufsize 32768
  ssl-default-bind-ciphers ${ciphers}
  ssl-default-bind-ciphersuites ${ciphersuites}
  ssl-default-bind-options ssl-min-ver TLSv1.2 prefer-client-ciphers no-tls-tickets
`;

const defaults = `defaults
  mode http
  log global
  option dontlognull
  option dontlog-normal
  # A reload closes a kept connection with the answer to its next request, never under a request. That request
  # is still answered from what the worker before knew: no connection idles for long.
  option idle-close-on-response
  timeout http-request 10s
  timeout http-keep-alive ${idleSeconds}s
  timeout client 60s
  timeout client-fin 10s
  timeout connect 500ms
  timeout queue 5s
  timeout server 120s
  timeout server-fin 10s
  # Node-RED's own websockets are pinged every 15 s.
  timeout tunnel 1h
  timeout check 1500ms
  # A request that never reached its server goes to another one. One that did is only sent again
  # where the frontend allows it.
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
  http-reuse safe
  load-server-state-from-file global
`;

// Addresses are asked for four times a second; a silent resolver changes nothing for 30 s.
const resolvers = `resolvers docker
  nameserver embedded 127.0.0.11:53
  accepted_payload_size 8192
  resolve_retries 2
  timeout resolve 250ms
  timeout retry 250ms
  hold valid 250ms
  hold obsolete 250ms
  hold nx 250ms
  hold other 30s
  hold refused 30s
  hold timeout 30s
`;

/** haproxy.cfg; its digest is in it as the description, so that a running proxy can be asked for it. */
export function renderConfig(input: ConfigInput): { text: string; digest: string } {
  const clusters = [...input.clusters].sort((a, b) => (a.key < b.key ? -1 : 1));
  const body = [
    defaults,
    resolvers,
    frontends({ ...input, clusters }),
    ...clusters.map((cluster) => clusterBackends(cluster, input.stack)),
    staticBackends,
  ].join("\n");
  const head = global(input.settings);
  const digest = createHash("sha256").update(head).update(body).digest("hex").slice(0, 16);
  return { text: `${head}  description ${digest}\n\n${body}`, digest };
}
