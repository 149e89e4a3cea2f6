import { randomBytes, randomInt } from "node:crypto";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { exec } from "../../cli/engine/exec.ts";
import { engine, sweep } from "./engine.ts";
import { testName } from "./names.ts";
import { tar } from "./tar.ts";
import { until } from "./wait.ts";

/** A container to start in a lab. Hardened like the platform's own. */
export interface LabContainer {
  /** Name after the lab's prefix, e.g. `mongodb-0`; also the host name. */
  readonly name: string;
  readonly component: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly user: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Files below /run/redfleet, readable by the user only. */
  readonly files?: Readonly<Record<string, string>>;
  /** Paths with a named volume each; volumes outlive the container. */
  readonly data?: readonly string[];
  /** Last part of the fixed address in the lab's network. */
  readonly host?: number;
  /** Name of the container whose network it shares instead. */
  readonly inNetworkOf?: string;
  readonly memoryMb?: number;
  /** Names that it knows without DNS, and the last part of their addresses. */
  readonly hosts?: Readonly<Record<string, number>>;
  /** Volumes of the lab that several containers mount: name after the prefix, and path. */
  readonly shared?: Readonly<Record<string, string>> | undefined;
  /** Group of its user. Default: the same number. */
  readonly group?: number;
  /** The host's network, the right to rule it, and the engine's socket: the agent. */
  readonly engineAccess?: boolean;
  /** The engine starts it again when it ends. */
  readonly restart?: boolean | undefined;
}

/** A network of its own on the real engine with containers in it; nothing of it is left after `close`. */
export class Lab {
  /** The stack label of all that is in it, and the prefix of every name. */
  readonly stack: string;
  private prefix = "";
  private closed = false;

  constructor(purpose: string) {
    this.stack = testName(`${purpose}-${randomBytes(3).toString("hex")}`);
  }

  /** Makes the network, on the first free one of a few subnets drawn at random. */
  async open(): Promise<this> {
    await until("a free subnet", () => this.makeNetwork(), { seconds: 10, every: 50 });
    return this;
  }

  /** Address of a host in the lab's network. */
  address(host: number): string {
    return `${this.prefix}.${host}`;
  }

  /** Full name of a container. */
  nameOf(name: string): string {
    return `${this.stack}-${name}`;
  }

  /** The engine's handle of a container. */
  container(name: string): Docker.Container {
    return engine.getContainer(this.nameOf(name));
  }

  /** Creates and starts a container; its image is there already. */
  async start(plan: LabContainer): Promise<Docker.Container> {
    const container = await this.create(plan);
    await container.start();
    return container;
  }

  /** Creates a container and places its files. */
  async create(plan: LabContainer): Promise<Docker.Container> {
    // A test that ran out of time goes on behind the scenes: it must not make things that nobody removes.
    if (this.closed) throw new Error(`the lab ${this.stack} is closed`);
    const name = this.nameOf(plan.name);
    if (plan.files !== undefined) await this.placeFiles(plan);
    return engine.createContainer({
      name,
      Image: plan.image,
      Cmd: [...plan.command],
      User: `${plan.user}:${plan.group ?? plan.user}`,
      Labels: this.labels(plan.component),
      Env: Object.entries(plan.environment).map(([key, value]) => `${key}=${value}`),
      // The tests ask for health themselves, when they want to know it.
      Healthcheck: { Test: ["NONE"] },
      HostConfig: this.hostConfig(plan),
      ...(plan.inNetworkOf === undefined && !plan.engineAccess
        ? this.network(name, plan.host)
        : {}),
    });
  }

  /** Runs a command in a container; its output. @throws when it fails. */
  async run(name: string, command: readonly string[]): Promise<string> {
    const result = await exec(engine, this.nameOf(name), command);
    if (result.code !== 0) {
      throw new Error(`${command.join(" ")} in ${name}: ${result.code} ${result.stderr}`);
    }
    return result.stdout;
  }

  /** Waits until the image's own health check says yes. */
  async healthy(name: string, seconds = 30): Promise<void> {
    const check = () => this.run(name, ["/redfleet/health"]).then(() => true);
    await until(`${name} to be healthy`, check, { seconds });
  }

  /** Everything that a container wrote. */
  async logs(name: string): Promise<string> {
    const stream = await this.container(name).logs({ stdout: true, stderr: true, follow: true });
    const out = new PassThrough();
    engine.modem.demuxStream(stream, out, out);
    stream.on("end", () => out.end());
    return text(out);
  }

  /** Removes a container, with its volumes when its data shall be lost. */
  async remove(name: string, { data = false } = {}): Promise<void> {
    await this.container(name).remove({ force: true, v: true });
    if (!data) return;
    const { Volumes: volumes } = await engine.listVolumes({
      filters: { name: [`${this.nameOf(name)}-data`] },
    });
    for (const volume of volumes) await engine.getVolume(volume.Name).remove();
  }

  /** Removes everything that carries the lab's label; an agent goes last, and takes its firewall along. */
  async close(): Promise<void> {
    this.closed = true;
    const own = (labels?: Readonly<Record<string, string>> | null) =>
      labels?.["redfleet.stack"] === this.stack;
    await sweep((labels) => own(labels) && labels?.["redfleet.component"] !== "agent");
    await this.container("agent")
      .stop({ t: 10 })
      .catch(() => undefined);
    await sweep(own);
  }

  private async makeNetwork(): Promise<boolean> {
    const prefix = `10.${randomInt(160, 200)}.${randomInt(0, 256)}`;
    try {
      await engine.createNetwork({
        Name: `${this.stack}-data`,
        Internal: true,
        CheckDuplicate: true,
        Labels: this.labels("network"),
        IPAM: { Config: [{ Subnet: `${prefix}.0/24` }] },
      });
    } catch (error) {
      if (/overlap/i.test(String(error))) return false;
      throw error;
    }
    this.prefix = prefix;
    return true;
  }

  private labels(component: string): Record<string, string> {
    return { "redfleet.stack": this.stack, "redfleet.component": component };
  }

  private network(name: string, host: number | undefined) {
    const address = host === undefined ? {} : { IPAMConfig: { IPv4Address: this.address(host) } };
    return {
      Hostname: name,
      NetworkingConfig: { EndpointsConfig: { [`${this.stack}-data`]: address } },
    };
  }

  private hostConfig(plan: LabContainer): Docker.HostConfig {
    const memory = (plan.memoryMb ?? 400) * 1024 * 1024;
    return {
      Init: true,
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m" },
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      Memory: memory,
      MemorySwap: memory,
      ...(plan.hosts === undefined || plan.inNetworkOf !== undefined
        ? {}
        : { ExtraHosts: this.knownHosts(plan.hosts) }),
      NetworkMode: this.networkMode(plan),
      ...(plan.restart ? { RestartPolicy: { Name: "unless-stopped" } } : {}),
      ...(plan.engineAccess ? { CapAdd: ["NET_ADMIN"] } : {}),
      Mounts: this.mounts(plan),
    };
  }

  private networkMode({ engineAccess, inNetworkOf }: LabContainer): string {
    if (engineAccess) return "host";
    return inNetworkOf === undefined
      ? `${this.stack}-data`
      : `container:${this.nameOf(inNetworkOf)}`;
  }

  private knownHosts(hosts: Readonly<Record<string, number>>): string[] {
    return Object.entries(hosts).map(
      ([name, host]) => `${this.nameOf(name)}:${this.address(host)}`,
    );
  }

  private mounts(plan: LabContainer): Docker.MountSettings[] {
    const name = this.nameOf(plan.name);
    const data = (plan.data ?? []).map((path, index) =>
      this.mount(`${name}-data${index === 0 ? "" : index}`, path, plan.component),
    );
    const shared = Object.entries(plan.shared ?? {}).map(([volume, path]) =>
      this.mount(this.nameOf(volume), path, plan.component),
    );
    const files = { ...this.mount(`${name}-files`, FILES, plan.component), ReadOnly: true };
    return [
      ...[...data, ...shared],
      ...(plan.files === undefined ? [] : [files]),
      ...(plan.engineAccess ? [SOCKET] : []),
    ];
  }

  private mount(volume: string, path: string, component: string): Docker.MountSettings {
    const VolumeOptions = {
      NoCopy: false,
      Labels: this.labels(component),
      DriverConfig: { Name: "local", Options: {} },
    };
    return { Type: "volume", Source: volume, Target: path, VolumeOptions };
  }

  /** A container that never runs takes the files into a volume: a read-only one refuses them. */
  private async placeFiles(plan: LabContainer): Promise<void> {
    const volume = `${this.nameOf(plan.name)}-files`;
    const holder = await engine.createContainer({
      name: `${volume}-${randomBytes(2).toString("hex")}`,
      Image: plan.image,
      Cmd: ["none"],
      Labels: this.labels("files"),
      HostConfig: { Mounts: [this.mount(volume, FILES, plan.component)] },
    });
    const files = Object.entries(plan.files ?? {}).map(([name, content]) => ({
      name,
      content,
      owner: plan.user,
    }));
    await holder.putArchive(tar(files), { path: FILES });
    await holder.remove();
  }
}

const FILES = "/run/redfleet";

const SOCKET: Docker.MountSettings = {
  Type: "bind",
  Source: "/var/run/docker.sock",
  Target: "/var/run/docker.sock",
};
