import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { renderConfig } from "../../images/agent/edge/config.ts";
import type { ClusterRoute } from "../../images/agent/edge/input.ts";
import { renderMap, routeMap } from "../../images/agent/edge/map.ts";
import type { EdgeSettings } from "../../images/agent/settings.ts";
import { engine } from "../support/engine.ts";
import { platformImage } from "../support/image.ts";
import { until } from "../support/wait.ts";
import type { Runtime } from "./ours.ts";
import { CORE, startPinned } from "./pinned.ts";

/** A reverse proxy under test. */
export interface ReverseProxy extends Runtime {
  readonly port: number;
}

/** Limits as in production, only so high that the load does not meet them. */
const settings = (port: number): EdgeSettings => ({
  httpPort: port + 10,
  httpsPort: port,
  publicHttpsPort: port,
  domain: "localhost",
  tls: { mode: "ownCa", leafDays: 30 },
  bodyLimitBytes: 10 * 1024 * 1024,
  rateLimitPerSecond: 10_000_000,
  loginLimitPerMinute: 30,
  hsts: false,
  maxConnections: 4000,
  connectionsPerSource: 0,
});

/** The edge's own image with the very configuration that the agent renders for one cluster. */
export async function startEdge(
  folder: string,
  host: string,
  ports: { readonly ours: number; readonly backend: number; readonly dns: number },
): Promise<ReverseProxy> {
  const route: ClusterRoute = {
    kind: "cluster",
    key: "bench",
    hosts: [host],
    state: "running",
    upstream: "bench-editor",
    api: "bench-replica",
    prefix: "/red-nodes",
    options: {},
  };
  const edge = join(folder, "edge");
  mkdirSync(edge, { recursive: true });
  chmodSync(folder, 0o755);
  const wanted = settings(ports.ours);
  const certificates = ["/edge/cert.pem"];
  const { text } = renderConfig({
    settings: wanted,
    clusters: [route],
    certificates,
    stack: "bench",
  });
  copyFileSync(join(folder, "cert.pem"), join(edge, "cert.pem"));
  writeFileSync(join(edge, "haproxy.cfg"), onLoopback(text, ports));
  writeFileSync(join(edge, "routes.map"), renderMap(routeMap([route], wanted, new Map())));
  const container = await engine.createContainer({
    Image: await platformImage("edge"),
    Labels: { "redfleet.stack": "bench" },
    HostConfig: {
      NetworkMode: "host",
      CpusetCpus: CORE.server,
      Binds: [`${edge}:/edge:ro`],
      Tmpfs: { "/run/edge": "uid=99,gid=99,mode=770", "/tmp": "" },
    },
  });
  await container.start();
  const { State: state } = await container.inspect();
  await listening(ports.ours);
  const stop = () => container.remove({ force: true, v: true });
  return { pid: state.Pid, port: ports.ours, stop };
}

/** Inside a stack every part has port 1880 of its own address; here all share the loopback. */
const onLoopback = (config: string, ports: { backend: number; dns: number; ours: number }) =>
  config
    .replaceAll(":1880", `:${ports.backend}`)
    .replaceAll("check port 1881", `check port ${ports.backend}`)
    .replaceAll("127.0.0.11:53", `127.0.0.1:${ports.dns}`)
    .replaceAll("127.0.0.1:8404", `127.0.0.1:${ports.ours + 20}`);

/** nginx as in the HTTP scaling article, or with the upstream keep-alive that it lacks. */
export async function startNginx(
  path: string,
  folder: string,
  port: number,
  backend: number,
  keepAlive: boolean,
): Promise<ReverseProxy> {
  const file = join(folder, `nginx-${port}.conf`);
  const upstream = keepAlive ? "keepalive 32;" : "";
  const reuse = keepAlive ? 'proxy_http_version 1.1; proxy_set_header Connection "";' : "";
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${folder}/nginx-${port}.pid; error_log stderr;
    events { worker_connections 1024; }
    http {
      access_log off;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      keepalive_requests 1000000;
      upstream replicas { server 127.0.0.1:${backend}; ${upstream} }
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/cert.pem;
        location /red-nodes/ {
          proxy_pass http://replicas; ${reuse}
          proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
      }
    }`,
  );
  const running = startPinned(CORE.server, path, ["-c", file, "-p", folder]);
  await listening(port);
  const stop = async () => {
    running.kill("SIGKILL");
    await running.finished;
  };
  return { pid: running.pid, port, stop };
}

async function listening(port: number): Promise<void> {
  const attempt = () =>
    new Promise<boolean>((done) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => done(true)).once("error", () => done(false));
      socket.once("connect", () => socket.destroy());
    });
  await until(`port ${port} listens`, attempt, { every: 50 });
}
