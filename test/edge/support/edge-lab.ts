import { readFileSync } from "node:fs";
import type Docker from "dockerode";
import { readBases } from "../../../components/images/bases.ts";
import { engine, sweep } from "../../support/engine.ts";
import { imageOf } from "../../support/image.ts";
import { freePorts } from "../../support/ports.ts";
import { ROOT } from "../../support/process.ts";
import { tar } from "../../support/tar.ts";
import { until } from "../../support/wait.ts";
import { EdgeClient } from "./edge-client.ts";
import { EdgeStack } from "./edge-stack.ts";

const upstream = readFileSync(new URL("./upstream.mjs", import.meta.url), "utf8");

/** A container that answers in place of a Node-RED runtime. */
interface Upstream {
  readonly name: string;
  readonly component: string;
  readonly key: string;
  readonly network: string;
  readonly alias?: string;
}

/** A real agent and a real edge with a stack label, networks and ports of their own. */
export class EdgeLab extends EdgeStack {
  client!: EdgeClient;
  private ports!: { https: number; http: number };
  private images!: { agent: string; edge: string; node: string };

  /** Starts both and waits until the edge answers; `authority` is trusted instead of the agent's. */
  async open(
    settings: Record<string, unknown> = {},
    files: Record<string, string> = {},
    authority?: string,
  ): Promise<this> {
    const bases = readBases(ROOT);
    const node = { NODE_BASE: bases.node, NODE_BUILD: bases.nodeBuild };
    this.images = {
      agent: await imageOf("agent", node),
      edge: await imageOf("edge", { BASE: bases.haproxy }),
      node: bases.node,
    };
    const [https = 0, http = 0] = await freePorts(2);
    this.ports = { https, http };
    await this.makeNetwork(`${this.stack}-edge`, "edge");
    await this.startAgent(settings, files);
    await this.startEdge();
    const ca = authority ?? (await until("an authority", () => this.authority()));
    this.client = new EdgeClient(this.ports, ca);
    await until("the edge to answer", () =>
      this.client.ask(this.host("nobody"), "/").catch(() => false),
    );
    return this;
  }

  /** Removes all that carries the lab's label; the agent goes last, and takes its firewall along. */
  async close(): Promise<void> {
    this.client?.close();
    const own = (labels?: Record<string, string> | null) =>
      labels?.["redfleet.stack"] === this.stack;
    await sweep((labels) => own(labels) && labels?.["redfleet.component"] !== "agent");
    await this.container("agent")
      .start()
      .catch(() => undefined);
    await this.container("agent")
      .stop({ t: 10 })
      .catch(() => undefined);
    await sweep(own);
  }

  /** A tenant with its network, its route and its container. */
  async addTenant(key: string, options: { aliases?: string[]; state?: string } = {}) {
    await this.makeNetwork(this.name(`tenant-${key}`), "tenant", key);
    await this.setTenantRoute(key, options);
    if (options.state !== "stopped") await this.startTenant(key);
  }

  /** Puts a tenant's route record in place of the one that is there. */
  async setTenantRoute(
    key: string,
    {
      aliases = [],
      state = "running",
      knobs = {},
    }: { aliases?: string[]; state?: string; knobs?: object } = {},
  ): Promise<void> {
    await this.setRoute("tenant", key, {
      hosts: [this.host(key), ...aliases].join(","),
      state,
      upstream: this.name(`tenant-${key}`),
      options: JSON.stringify(knobs),
    });
  }

  startTenant(key: string): Promise<void> {
    const name = `tenant-${key}`;
    return this.startUpstream({
      name,
      component: "tenant",
      key,
      network: this.name(name),
    });
  }

  /** Removes a tenant whole, as a stack file without it would; fails while the network is in use. */
  async removeTenant(key: string): Promise<void> {
    await this.removeContainer(`tenant-${key}`);
    await engine.getVolume(this.name(`route-tenant-${key}`)).remove();
    const network = engine.getNetwork(this.name(`tenant-${key}`));
    await until("the tenant's network to be free", () => network.remove().then(() => true));
  }

  /** A cluster of one editor and so many replicas, with its route. */
  async addCluster(key: string, replicas: number, knobs: object = {}): Promise<void> {
    const network = this.name("edge");
    await this.startUpstream({ name: `editor-${key}`, component: "editor", key, network });
    for (let member = 0; member < replicas; member += 1) await this.addReplica(key, member);
    await this.setRoute("cluster", key, {
      hosts: this.host(key),
      state: "running",
      upstream: this.name(`editor-${key}`),
      api: this.name(`replica-${key}`),
      prefix: "/red-nodes",
      options: JSON.stringify(knobs),
    });
  }

  addReplica(key: string, member: number): Promise<void> {
    const name = `replica-${key}-${member}`;
    const alias = this.name(`replica-${key}`);
    const network = this.name("edge");
    return this.startUpstream({ name, component: "replica", key, network, alias });
  }

  /** Starts an upstream; `alias` makes it one of several behind a name. */
  async startUpstream(plan: Upstream): Promise<void> {
    const endpoint = plan.alias ? { Aliases: [plan.alias] } : {};
    const container = await engine.createContainer({
      name: this.name(plan.name),
      Hostname: plan.name,
      Image: this.images.node,
      Cmd: ["node", "--input-type=module", "-e", upstream],
      User: "1000:1000",
      Labels: { ...this.labels(plan.component, plan.key), "redfleet.pids": "60" },
      HostConfig: {
        Init: true,
        CapDrop: ["ALL"],
        Memory: 128 * 2 ** 20,
        NetworkMode: plan.network,
      },
      NetworkingConfig: { EndpointsConfig: { [plan.network]: endpoint } },
    });
    await container.start();
  }

  /** Starts a part of another image in the edge's network, as the platform would start it again. */
  async startPart(
    part: string,
    plan: Docker.ContainerCreateOptions,
    alias = this.name(part),
  ): Promise<void> {
    const network = this.name("edge");
    const [component = part, key] = part.split("-");
    const container = await engine.createContainer({
      ...plan,
      name: this.name(part),
      Hostname: this.name(part),
      Labels: this.labels(component, key),
      HostConfig: {
        Init: true,
        Tmpfs: { "/tmp": "" },
        NetworkMode: network,
        RestartPolicy: { Name: "unless-stopped" },
      },
      NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [alias] } } },
    });
    await container.start();
  }

  /** Starts the edge as the platform does. */
  async startEdge(): Promise<void> {
    const publish = (port: number) => [{ HostIp: "127.0.0.1", HostPort: String(port) }];
    const container = await engine.createContainer({
      ...this.common("edge", this.images.edge, "99:99"),
      ExposedPorts: { "8443/tcp": {}, "8080/tcp": {} },
      HostConfig: {
        ...hardened,
        NetworkMode: this.name("edge"),
        PortBindings: {
          "8443/tcp": publish(this.ports.https),
          "8080/tcp": publish(this.ports.http),
        },
        Sysctls: { "net.ipv4.ip_forward": "0" },
        Mounts: [this.mount("edge-config", "/edge", true), this.mount("edge-run", "/run/edge")],
      },
    });
    await container.start();
  }

  /** Starts the agent as the platform does. */
  async startAgent(
    settings: Record<string, unknown> = {},
    files: Record<string, string> = {},
  ): Promise<void> {
    const fields = { httpPort: 8080, httpsPort: 8443, publicHttpsPort: this.ports.https };
    const edge = { ...fields, domain: this.domain, ...settings };
    await this.placeFiles({ ...files, "edge.json": JSON.stringify(edge) });
    const container = await engine.createContainer({
      ...this.common("agent", this.images.agent, "0:99"),
      Hostname: "",
      Env: [
        `REDFLEET_STACK=${this.stack}`,
        "REDFLEET_EDGE_SETTINGS_FILE=/run/redfleet/edge.json",
        ...("external-stores" in files
          ? ["REDFLEET_EXTERNAL_STORES_FILE=/run/redfleet/external-stores"]
          : []),
      ],
      HostConfig: {
        ...hardened,
        CapAdd: ["NET_ADMIN"],
        NetworkMode: "host",
        Mounts: [
          this.mount("edge-config", "/edge"),
          this.mount("edge-run", "/run/edge"),
          this.mount("agent-ca", "/ca"),
          this.mount("agent-seal", "/seal"),
          this.mount("agent-files", "/run/redfleet", true),
          { Type: "bind", Source: "/var/run/docker.sock", Target: "/var/run/docker.sock" },
        ],
      },
    });
    await container.start();
  }

  /** Puts files where the agent finds its settings, through a container that never runs. */
  async placeFiles(files: Record<string, string>): Promise<void> {
    const holder = await engine.createContainer({
      Image: this.images.agent,
      Cmd: ["none"],
      Labels: this.labels("files"),
      HostConfig: { Mounts: [this.mount("agent-files", "/run/redfleet")] },
    });
    const entries = Object.entries(files).map(([name, content]) => ({ name, content, owner: 0 }));
    await holder.putArchive(tar(entries), { path: "/run/redfleet" });
    await holder.remove();
  }

  private common(part: string, Image: string, User: string): Docker.ContainerCreateOptions {
    return {
      name: this.name(part),
      Hostname: this.name(part),
      Image,
      User,
      Labels: this.labels(part),
    };
  }
}

const hardened: Docker.HostConfig = {
  Init: true,
  ReadonlyRootfs: true,
  Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=16m" },
  CapDrop: ["ALL"],
  SecurityOpt: ["no-new-privileges:true"],
  Memory: 192 * 2 ** 20,
  MemorySwap: 192 * 2 ** 20,
};
