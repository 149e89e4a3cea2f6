import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { readBases } from "../../../components/images/bases.ts";
import type {
  NodeRedEnvironment,
  Role,
  ValkeySettings,
} from "../../../images/node-red/runtime/environment.ts";
import type { StatusDocument } from "../../../images/node-red/runtime/status.ts";
import { freeze } from "../../support/containers.ts";
import { engine } from "../../support/engine.ts";
import { imageOf } from "../../support/image.ts";
import { WORKER } from "../../support/names.ts";
import { freePorts } from "../../support/ports.ts";
import { ROOT } from "../../support/process.ts";
import { until } from "../../support/wait.ts";

/** The two majors that the platform ships. */
export type Major = 4 | 5;

export interface RuntimeOptions {
  readonly role: Role;
  /** Flow store in MongoDB; without it the flow store is `valkey`. */
  readonly uri?: string;
  readonly database?: string;
  readonly valkey?: ValkeySettings;
  readonly major?: Major;
  /** Default `role`. */
  readonly worker?: string;
  /** null: none is given. */
  readonly secret?: string | null;
  readonly flowEnvironment?: Readonly<Record<string, string>>;
  readonly environment?: Partial<NodeRedEnvironment>;
  /** More files below /run/redfleet. */
  readonly files?: Readonly<Record<string, string>>;
  /** Flags of Node. */
  readonly flags?: readonly string[];
  /** A script of the runtime that runs instead of it. */
  readonly script?: string;
  /** Data outlives a restart: a volume, as on the platform. Default: memory. */
  readonly keepsData?: boolean;
  /** The engine starts it again when it ends by itself. */
  readonly restarts?: boolean;
  /** Limit in MB. Default: none. */
  readonly memoryMb?: number;
}

/** A real container of the Node-RED image on the host's network. */
export interface Runtime {
  readonly url: string;
  readonly health: string;
  readonly worker: string;
  /** Id of its container. */
  readonly id: string;
  /** Folder of this machine that it sees, read-only, as /run/redfleet. */
  readonly folder: string;
  status(): Promise<StatusDocument>;
  /** Waits until /status says so. */
  reaches(revision: number, seconds?: number): Promise<void>;
  signal(name: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Stops the process for a while, or lets it go on; its connections stay. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Stops it as the engine does, and starts it again; returns when it is ready. */
  restart(): Promise<void>;
  running(): Promise<boolean>;
  /** Exit code, once it has ended. */
  ended(): Promise<number>;
  logs(): Promise<string>;
  /** Runs the image's health check, as the engine does: its output. */
  check(): Promise<string>;
  remove(): Promise<void>;
}

const SECRET = "a-credential-secret-for-tests";

function environmentOf(options: RuntimeOptions, ports: readonly number[]): NodeRedEnvironment {
  const { role, worker = role, secret, flowEnvironment, environment } = options;
  return {
    REDFLEET_STACK: WORKER,
    REDFLEET_COMPONENT: role === "instance" ? "tenant" : role,
    REDFLEET_NAME: "main",
    REDFLEET_ROLE: role,
    REDFLEET_WORKER: worker,
    REDFLEET_HTTP_PORT: String(ports[0]),
    REDFLEET_HEALTH_PORT: String(ports[1]),
    REDFLEET_HTTP_NODE_ROOT: role === "instance" ? "/" : "/red-nodes",
    ...storeEnvironment(options),
    ...(secret !== null && { REDFLEET_CREDENTIAL_SECRET_FILE: "/run/redfleet/credential-secret" }),
    ...(flowEnvironment && { REDFLEET_ENVIRONMENT_FILE: "/run/redfleet/environment.json" }),
    REDFLEET_DRAIN_SECONDS: "2",
    ...environment,
  };
}

function storeEnvironment({ uri, database, valkey }: RuntimeOptions) {
  return {
    ...(uri !== undefined && {
      REDFLEET_MONGODB_URI_FILE: "/run/redfleet/mongodb-uri",
      REDFLEET_MONGODB_DATABASE: database,
    }),
    ...(uri === undefined && {
      REDFLEET_FLOW_STORE: "valkey" as const,
      REDFLEET_VALKEY_WAIT_REPLICAS: "1",
    }),
    ...(valkey && { REDFLEET_VALKEY_FILE: "/run/redfleet/valkey.json" }),
  };
}

function writeFiles(options: RuntimeOptions): string {
  const { uri, valkey, secret, flowEnvironment, files = {} } = options;
  const folder = mkdtempSync(join(tmpdir(), "redfleet-runtime-"));
  chmodSync(folder, 0o755);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  if (uri !== undefined) writeFileSync(join(folder, "mongodb-uri"), uri);
  if (valkey) writeFileSync(join(folder, "valkey.json"), JSON.stringify(valkey));
  if (secret !== null) writeFileSync(join(folder, "credential-secret"), secret ?? SECRET);
  if (flowEnvironment) {
    writeFileSync(join(folder, "environment.json"), JSON.stringify(flowEnvironment));
  }
  return folder;
}

/** The image that the platform ships, built unless the engine has it. */
export function nodeRedImage(major: Major): Promise<string> {
  const { node, nodeBuild } = readBases(ROOT);
  return imageOf("node-red", { NODE_BASE: node, NODE_BUILD: nodeBuild, NODE_RED: String(major) });
}

const inMemory = { "/data": "uid=1000,gid=1000,mode=700" };

function memoryLimit(megabytes: number) {
  const bytes = megabytes * 1024 * 1024;
  return { Memory: bytes, MemorySwap: bytes };
}

const scriptOf = ({ script }: RuntimeOptions) =>
  script === undefined ? "/app/start.cjs" : `/app/runtime/${script}`;

/** Starts a runtime; returns when its process runs, which is before it answers. */
export async function launch(options: RuntimeOptions): Promise<Runtime> {
  const ports = await freePorts(2);
  const folder = writeFiles(options);
  const environment = environmentOf(options, ports);
  const container = await engine.createContainer({
    Image: await nodeRedImage(options.major ?? 5),
    Labels: {
      "redfleet.stack": WORKER,
      "redfleet.component": options.role === "instance" ? "tenant" : options.role,
      "redfleet.name": "main",
    },
    Cmd: ["node", ...(options.flags ?? []), scriptOf(options)],
    User: "1000:1000",
    Healthcheck: { Test: ["NONE"] },
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    HostConfig: {
      NetworkMode: "host",
      Init: true,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      ...(options.restarts && { RestartPolicy: { Name: "unless-stopped" } }),
      Binds: [`${folder}:/run/redfleet:ro`],
      Tmpfs: { "/tmp": "rw,noexec,nosuid,size=64m", ...(options.keepsData ? {} : inMemory) },
      ...(options.memoryMb && memoryLimit(options.memoryMb)),
    },
  });
  await container.start();
  const health = `http://127.0.0.1:${ports[1]}`;
  const status = async () => (await (await fetch(`${health}/status`)).json()) as StatusDocument;
  const worker = environment.REDFLEET_WORKER ?? options.role;
  return {
    url: `http://127.0.0.1:${ports[0]}${options.role === "replica" ? "/red-nodes" : ""}`,
    health,
    worker,
    id: container.id,
    folder,
    status,
    reaches: async (revision, seconds = 20) => {
      const runs = async () => {
        const { revision: now, error } = await status();
        if (error) throw new Error(error);
        return now !== null && now >= revision;
      };
      await until(`${worker} runs revision ${revision}`, runs, { seconds, every: 25 });
    },
    signal: (signal) => container.kill({ signal }),
    pause: () => freeze(container),
    resume: () => container.unpause(),
    restart: async () => {
      await container.restart({ t: 10 });
      await until(`${worker} is ready again`, async () => (await fetch(`${health}/readyz`)).ok);
    },
    running: async () => (await container.inspect()).State.Running,
    ended: async () => (await container.wait()).StatusCode as number,
    logs: async () => {
      const raw = await container.logs({ stdout: true, stderr: true, follow: false });
      const out = new PassThrough();
      engine.modem.demuxStream(PassThrough.from([raw]), out, out);
      setImmediate(() => out.end());
      return text(out);
    },
    check: async () => {
      const check = await container.exec({ Cmd: ["/redfleet/health"], AttachStdout: true });
      return text(await check.start({}));
    },
    remove: async () => {
      await container.remove({ force: true, v: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a runtime and waits until it is ready for traffic. */
export async function start(options: RuntimeOptions): Promise<Runtime> {
  const runtime = await launch(options);
  const ready = async () =>
    !(await runtime.running()) || (await fetch(`${runtime.health}/readyz`)).ok;
  try {
    await until(`${runtime.worker} is ready`, ready, { seconds: 60, every: 50 });
    if (!(await runtime.running())) throw new Error(`${runtime.worker} has ended`);
  } catch (error) {
    const logs = await runtime.logs();
    await runtime.remove();
    throw new Error(`${String(error)}\n${logs.slice(-3000)}`, { cause: error });
  }
  return runtime;
}
