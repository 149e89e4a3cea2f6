/**
 * The typed environment of the Node-RED image: what the program writes and what the runtime reads.
 * This file and its parts import nothing but Node itself, so that the program may import from it.
 */
import { hostname } from "node:os";
import { type ContextConfig, type ContextStoreName, readContext } from "./environment-context.ts";
import { EnvironmentError, Reader, readObject, type Source } from "./environment-reader.ts";
import { type FlowStoreKind, readStores, type StoreConfig } from "./environment-stores.ts";
import {
  type PackagesConfig,
  type PackagesEnvironment,
  readPackages,
} from "./packages/environment.ts";

export { EnvironmentError } from "./environment-reader.ts";
export type { ValkeyAddress, ValkeySettings } from "./environment-stores.ts";
export { MODULE_SPEC, moduleName, PACKAGE_PATTERN } from "./packages/environment.ts";

/** What a container does: edit and run a cluster, only run it, or be a tenant's own runtime. */
export type Role = "editor" | "replica" | "instance";

/** Environment variables of a Node-RED container, as they are set on it. Secrets are files. */
export interface NodeRedEnvironment extends PackagesEnvironment {
  /** Stack name, for logs only. */
  REDFLEET_STACK: string;
  REDFLEET_COMPONENT: "editor" | "replica" | "tenant";
  /** Key of the cluster or tenant. */
  REDFLEET_NAME: string;
  /** Index of a replica. */
  REDFLEET_MEMBER?: string;
  REDFLEET_ROLE: Role;
  /** Name in the worker registry. Default: the host name. */
  REDFLEET_WORKER?: string;
  /** Default 1880. */
  REDFLEET_HTTP_PORT?: string;
  /** /healthz, /readyz, /metrics, /status. Default 1881. */
  REDFLEET_HEALTH_PORT?: string;
  /** Path under which the HTTP nodes answer. Default `/`. */
  REDFLEET_HTTP_NODE_ROOT?: string;
  /** Where people find the editor. */
  REDFLEET_PUBLIC_URL?: string;
  /** Title of the editor's page and header. */
  REDFLEET_TITLE?: string;
  /** Where flows, users, sessions and library live. Default `mongodb`. */
  REDFLEET_FLOW_STORE?: FlowStoreKind;
  /** File that holds the connection string; for the flow store `mongodb`. */
  REDFLEET_MONGODB_URI_FILE?: string;
  REDFLEET_MONGODB_DATABASE?: string;
  /**
   * JSON file that says how to reach Valkey:
   * `{sentinels: [{host, port}], masterName, username, password, sentinelUsername, sentinelPassword, prefix}`, or
   * `server: {host, port}` instead of the Sentinels; `tls: {caFile}` or `tls: {ca}`. Needed for the flow store `valkey`;
   * without it there is no shared context, and each worker leads.
   */
  REDFLEET_VALKEY_FILE?: string;
  /** Replicas of Valkey that must have a save before it counts. Default 0. */
  REDFLEET_VALKEY_WAIT_REPLICAS?: string;
  /** Context store of flows that name none. Default `memory`: each worker's own. */
  REDFLEET_CONTEXT_DEFAULT?: ContextStoreName;
  /** `true`: a copy of the shared context in memory, for reads without a callback. Default `false`. */
  REDFLEET_CONTEXT_SYNCHRONOUS?: "true" | "false";
  /** Until an operation on the shared context is given up. Default 10. */
  REDFLEET_CONTEXT_TIMEOUT_SECONDS?: string;
  /** File with the secret of the stored credentials. Without it an instance makes and keeps its own. */
  REDFLEET_CREDENTIAL_SECRET_FILE?: string;
  /** The agent's word that the firewall stands; nothing is loaded before. Default: nothing to wait for. */
  REDFLEET_SEAL_FILE?: string;
  /** JSON file `{NAME: value}`: environment for the flows. */
  REDFLEET_ENVIRONMENT_FILE?: string;
  /** Seconds between SIGTERM and the end of serving, 0 to 8. Default 5. */
  REDFLEET_DRAIN_SECONDS?: string;
  /** Seconds between two looks at the stored revision, whatever the change stream says. Default 30. */
  REDFLEET_POLL_SECONDS?: string;
  /** Seconds that a deploy waits for running requests of the flows it changes. Default 5. */
  REDFLEET_GATE_SECONDS?: string;
  /** Old revisions that are kept. Default 50. */
  REDFLEET_HISTORY?: string;
  /** Comma separated node files that are not loaded. `none` loads all. Default: exec, file, watch, tcp, udp. */
  REDFLEET_NODES_EXCLUDES?: string;
  /** Writable folder of Node-RED. Default `/data`. */
  REDFLEET_USER_DIR?: string;
  /** For the job `first-user.ts`: its name and its password. */
  REDFLEET_FIRST_USER?: string;
  REDFLEET_FIRST_PASSWORD_FILE?: string;
  /** error, warn, info, debug. Default info. */
  REDFLEET_LOG_LEVEL?: LogLevel;
}

export type LogLevel = "error" | "warn" | "info" | "debug";

/** The environment after parsing. */
export interface RuntimeConfig extends StoreConfig {
  stack: string;
  role: Role;
  name: string;
  worker: string;
  /** Number of a replica. */
  member: number | undefined;
  httpPort: number;
  healthPort: number;
  httpNodeRoot: string;
  publicUrl: string | undefined;
  title: string;
  context: ContextConfig;
  /** undefined: an instance that keeps its own. */
  credentialSecret: string | undefined;
  /** undefined: nothing seals this process. */
  sealFile: string | undefined;
  flowEnvironment: Record<string, string>;
  drainSeconds: number;
  pollSeconds: number;
  gateSeconds: number;
  history: number;
  nodesExcludes: string[];
  packages: PackagesConfig;
  userDir: string;
  logLevel: LogLevel;
}

/** Nodes that reach the container's files, processes and raw sockets, and the files that hold them. */
export const DANGEROUS_NODES = {
  exec: "90-exec.js",
  file: "10-file.js",
  watch: "23-watch.js",
  tcp: "31-tcpin.js",
  udp: "32-udp.js",
} as const;

/** Names of variables that a shell, Node and the engine all accept. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What the platform, the loader of a process or Node itself owns, in any case of letters. */
export const RESERVED_VARIABLES: readonly string[] = [
  ...["PORT", "HOME", "PATH", "USER", "HOSTNAME", "TZDIR", "FLOWS"],
];

/** Starts of such names. */
export const RESERVED_PREFIXES: readonly string[] = [
  ...["NODE_", "NR_", "NPM_", "LD_", "KUBERNETES_", "DOCKER_", "PULUMI_", "REDFLEET_"],
];

/** True for variables that flows cannot have: the one list, for the configuration as well. */
export function isReservedVariable(name: string): boolean {
  const upper = name.toUpperCase();
  return (
    RESERVED_VARIABLES.includes(upper) ||
    RESERVED_PREFIXES.some((prefix) => upper.startsWith(prefix))
  );
}

function readFlowEnvironment(reader: Reader): Record<string, string> {
  const path = "REDFLEET_ENVIRONMENT_FILE";
  const content = reader.file(path, false);
  if (content === undefined) return {};
  const values = readObject(reader, path, content, '{"NAME": "value"}');
  return values === undefined ? {} : checkFlowEnvironment(reader, path, values);
}

function checkFlowEnvironment(
  reader: Reader,
  path: string,
  values: Record<string, unknown>,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    const at = `${path}.${name}`;
    if (!VARIABLE_NAME.test(name)) {
      reader.fail(at, JSON.stringify(name), `must match ${VARIABLE_NAME.source}`, "rename it");
    } else if (isReservedVariable(name)) {
      reader.fail(at, name, "set by the platform", "use another name");
    } else if (typeof value !== "string") {
      reader.fail(at, typeof value, "must be a string", "quote the value");
    } else {
      result[name] = value;
    }
  }
  return result;
}

function readNodesExcludes(reader: Reader): string[] {
  const raw = reader.text("REDFLEET_NODES_EXCLUDES", Object.values(DANGEROUS_NODES).join(","));
  if (raw === "none") return [];
  const files = raw.split(",").map((entry) => entry.trim());
  for (const file of files) {
    if (!/^[\w.-]+\.c?js$/.test(file)) {
      const rule = "must be names of node files, comma separated, or none";
      reader.fail("REDFLEET_NODES_EXCLUDES", JSON.stringify(file), rule, "for example 90-exec.js");
    }
  }
  return files;
}

/** `/red-nodes`, `/a/b`; `/` stays `/`. */
function readHttpNodeRoot(reader: Reader): string {
  const root = /^\/$|^(\/[A-Za-z0-9._~-]+)+$/;
  const rule = "a path that starts with / and does not end with one";
  return reader.matching("REDFLEET_HTTP_NODE_ROOT", root, rule, "/");
}

function readSecret(reader: Reader, role: Role): string | undefined {
  const key = "REDFLEET_CREDENTIAL_SECRET_FILE";
  return reader.file(key, role === "editor" || role === "replica");
}

/** Parses the environment. Throws an {@link EnvironmentError} that names every problem. */
export function parseEnvironment(source: Source): RuntimeConfig {
  const reader = new Reader(source);
  const role = reader.oneOf("REDFLEET_ROLE", ["editor", "replica", "instance"] as const);
  const name = reader.matching("REDFLEET_NAME", /^[a-z][a-z0-9-]{0,62}$/, "a DNS label");
  const config: RuntimeConfig = {
    stack: reader.text("REDFLEET_STACK", "dev"),
    role,
    name,
    worker: reader.matching("REDFLEET_WORKER", /^[\w.-]{1,253}$/, "a host name", hostname()),
    member: source.REDFLEET_MEMBER ? reader.number("REDFLEET_MEMBER", 0, 0, 99) : undefined,
    httpPort: reader.number("REDFLEET_HTTP_PORT", 1880, 0, 65535),
    healthPort: reader.number("REDFLEET_HEALTH_PORT", 1881, 0, 65535),
    httpNodeRoot: readHttpNodeRoot(reader),
    publicUrl: source.REDFLEET_PUBLIC_URL || undefined,
    title: reader.text("REDFLEET_TITLE", name || "Node-RED"),
    ...readStores(reader),
    context: readContext(reader),
    credentialSecret: readSecret(reader, role),
    sealFile: source.REDFLEET_SEAL_FILE || undefined,
    flowEnvironment: readFlowEnvironment(reader),
    drainSeconds: reader.number("REDFLEET_DRAIN_SECONDS", 5, 0, 8),
    pollSeconds: reader.number("REDFLEET_POLL_SECONDS", 30, 1, 3600),
    gateSeconds: reader.number("REDFLEET_GATE_SECONDS", 5, 0, 60),
    history: reader.number("REDFLEET_HISTORY", 50, 1, 1000),
    nodesExcludes: readNodesExcludes(reader),
    packages: readPackages(reader),
    userDir: reader.text("REDFLEET_USER_DIR", "/data"),
    logLevel: reader.oneOf(
      "REDFLEET_LOG_LEVEL",
      ["info", "error", "warn", "debug"] as const,
      "info",
    ),
  };
  if (reader.problems.length > 0) throw new EnvironmentError(reader.problems);
  return config;
}
