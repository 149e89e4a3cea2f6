import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runtimeCommand } from "../../components/node-red/runtime.ts";
import type { ValkeySettings } from "../../images/node-red/runtime/environment.ts";
import { engine } from "../support/engine.ts";
import { platformImage } from "../support/image.ts";
import { endProfiled, profileOptions } from "./profile.ts";

let image = "";
/** The default of a tenant. */
const MEMORY_MB = 256;

/** One of our Node-RED containers, on the host's network and pinned to a core. */
export interface Runtime {
  /** Process id of Node on the host. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** What a benchmark wants to run. */
export interface RuntimeOptions {
  readonly role: "editor" | "replica" | "instance";
  readonly name: string;
  readonly port: number;
  readonly core: string;
  /** The flow store in MongoDB. */
  readonly uri?: string;
  readonly database?: string;
  /** The flow store in Valkey. */
  readonly valkey?: ValkeySettings;
  /** Limit that the command is made for, in MB; not enforced, as it is not for peers. Default a tenant's. */
  readonly memory?: number;
}

/**
 * For 3,100 function nodes, in MB: each has a V8 context of its own, 570 MB in sum. With the heap of a tenant
 * such flows never start.
 */
export const LARGE_MB = 1536;

/** Builds the image that the platform ships; instant when the engine has it. */
export async function buildOurs(): Promise<void> {
  image = await platformImage("node-red-5");
}

/** Creates and starts one runtime; returns when its process runs, which is before it answers. */
export async function startOurs(options: RuntimeOptions): Promise<Runtime> {
  const files = secretFiles(options);
  const { flags, binds } = profileOptions(options.role);
  const [node = "", ...args] = runtimeCommand(options.memory ?? MEMORY_MB);
  const container = await engine.createContainer({
    Image: image,
    Labels: { "redfleet.stack": "bench" },
    Cmd: [node, ...flags, ...args],
    User: "1000:1000",
    Env: environment(options),
    HostConfig: {
      NetworkMode: "host",
      CpusetCpus: options.core,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      Binds: [`${files}:/run/redfleet:ro`, ...binds],
      Tmpfs: { "/tmp": "", "/data": "uid=1000,gid=1000,mode=700" },
    },
  });
  await container.start();
  const { State: state } = await container.inspect();
  const stop = async () => {
    await endProfiled(container);
    await container.remove({ force: true, v: true });
    rmSync(files, { recursive: true, force: true });
  };
  return { pid: state.Pid, stop };
}

function secretFiles({ uri, valkey }: RuntimeOptions): string {
  const files = mkdtempSync(join(tmpdir(), "redfleet-bench-"));
  chmodSync(files, 0o755);
  if (uri !== undefined) writeFileSync(join(files, "mongodb-uri"), uri);
  if (valkey !== undefined) writeFileSync(join(files, "valkey.json"), JSON.stringify(valkey));
  writeFileSync(join(files, "credential-secret"), "bench");
  return files;
}

function environment({ role, name, port, database, valkey }: RuntimeOptions): string[] {
  const store = valkey
    ? { REDFLEET_FLOW_STORE: "valkey", REDFLEET_VALKEY_FILE: "/run/redfleet/valkey.json" }
    : {
        REDFLEET_FLOW_STORE: "mongodb",
        REDFLEET_MONGODB_URI_FILE: "/run/redfleet/mongodb-uri",
        REDFLEET_MONGODB_DATABASE: database,
      };
  const values = {
    REDFLEET_STACK: "bench",
    REDFLEET_COMPONENT: role === "instance" ? "tenant" : role,
    REDFLEET_NAME: "bench",
    REDFLEET_ROLE: role,
    REDFLEET_WORKER: name,
    REDFLEET_HTTP_PORT: String(port),
    REDFLEET_HEALTH_PORT: String(port + 1000),
    REDFLEET_HTTP_NODE_ROOT: "/red-nodes",
    ...store,
    REDFLEET_CREDENTIAL_SECRET_FILE: "/run/redfleet/credential-secret",
    REDFLEET_DRAIN_SECONDS: "0",
    // As the peers have them.
    REDFLEET_NODES_EXCLUDES: "none",
    REDFLEET_LOG_LEVEL: "warn",
  };
  return Object.entries(values).map(([key, value]) => `${key}=${value}`);
}
