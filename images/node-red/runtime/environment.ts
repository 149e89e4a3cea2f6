/**
 * The typed environment of the Node-RED image: what the program writes and what the runtime reads.
 * This file imports nothing but Node itself, so that the program may import from it.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** What a container does: edit and run a cluster, only run it, or be a tenant's own runtime. */
export type Role = "editor" | "replica" | "instance";

/** Environment variables of a Node-RED container, as they are set on it. Secrets are files. */
export interface NodeRedEnvironment {
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
  REDFLEET_FLOW_STORE?: "mongodb";
  /** File that holds the connection string. */
  REDFLEET_MONGODB_URI_FILE: string;
  REDFLEET_MONGODB_DATABASE: string;
  /** File with the secret of the stored credentials. Without it an instance makes and keeps its own. */
  REDFLEET_CREDENTIAL_SECRET_FILE?: string;
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
  /** error, warn, info, debug. Default info. */
  REDFLEET_LOG_LEVEL?: LogLevel;
}

export type LogLevel = "error" | "warn" | "info" | "debug";

/** The environment after parsing. */
export interface RuntimeConfig {
  stack: string;
  role: Role;
  name: string;
  worker: string;
  httpPort: number;
  healthPort: number;
  httpNodeRoot: string;
  publicUrl: string | undefined;
  title: string;
  mongodb: { uri: string; database: string };
  /** undefined: an instance that keeps its own. */
  credentialSecret: string | undefined;
  flowEnvironment: Record<string, string>;
  drainSeconds: number;
  pollSeconds: number;
  gateSeconds: number;
  history: number;
  nodesExcludes: string[];
  userDir: string;
  logLevel: LogLevel;
}

/** One thing that is wrong with the environment. */
export interface Problem {
  path: string;
  got: string;
  rule: string;
  fix: string;
}

/** All problems of an environment at once. */
export class EnvironmentError extends Error {
  readonly problems: Problem[];
  constructor(problems: Problem[]) {
    super(problems.map((p) => `${p.path}: got ${p.got}; ${p.rule}; ${p.fix}`).join("\n"));
    this.name = "EnvironmentError";
    this.problems = problems;
  }
}

type Source = Record<string, string | undefined>;

/** Dangerous node files (reliability: they reach the container's files, processes and raw sockets). */
const EXCLUDED_NODES = ["90-exec.js", "10-file.js", "23-watch.js", "31-tcpin.js", "32-udp.js"];

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

/** Reads values and collects what is wrong with them. */
class Reader {
  readonly problems: Problem[] = [];
  readonly source: Source;
  constructor(source: Source) {
    this.source = source;
  }

  fail(path: string, got: string, rule: string, fix: string): void {
    this.problems.push({ path, got, rule, fix });
  }

  text(key: string, fallback?: string): string {
    const value = this.source[key] ?? "";
    if (value !== "" || fallback !== undefined) return value || (fallback as string);
    this.fail(key, "nothing", "must be set", `set ${key} on the container`);
    return "";
  }

  matching(key: string, pattern: RegExp, rule: string, fallback?: string): string {
    const value = this.text(key, fallback);
    if (value !== "" && !pattern.test(value)) {
      this.fail(key, JSON.stringify(value), rule, "correct the value");
    }
    return value;
  }

  oneOf<T extends string>(key: string, allowed: readonly T[], fallback?: T): T {
    const value = this.text(key, fallback);
    if (value !== "" && !allowed.includes(value as T)) {
      const rule = `must be one of ${allowed.join(", ")}`;
      this.fail(key, JSON.stringify(value), rule, `set ${key} to ${allowed[0]}`);
    }
    return value as T;
  }

  number(key: string, fallback: number, min: number, max: number): number {
    const raw = this.text(key, String(fallback));
    const value = Number(raw);
    if (raw.trim() === "" || !Number.isFinite(value) || value < min || value > max) {
      this.fail(key, JSON.stringify(raw), `a number from ${min} to ${max}`, `default: ${fallback}`);
    }
    return value;
  }

  /** Content of the file that a variable names; undefined when the variable is absent. */
  file(key: string, required: boolean): string | undefined {
    const path = required ? this.text(key) : this.source[key];
    if (!path) return undefined;
    try {
      const content = readFileSync(path, "utf8").trim();
      if (content !== "") return content;
      this.fail(key, path, "the file must not be empty", "write the secret into it");
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      this.fail(key, path, `must be readable (${reason})`, "mount the files volume");
    }
    return undefined;
  }
}

function readMongodb(reader: Reader): RuntimeConfig["mongodb"] {
  const uri = reader.file("REDFLEET_MONGODB_URI_FILE", true) ?? "";
  if (uri !== "" && !/^mongodb(\+srv)?:\/\//.test(uri)) {
    const rule = "the file must hold a mongodb:// connection string";
    reader.fail("REDFLEET_MONGODB_URI_FILE", "(hidden)", rule, "mongodb://user:password@host/…");
  }
  const name = /^[a-z0-9][a-z0-9_-]{0,62}$/;
  const rule = "a database name: a-z, 0-9, - and _, at most 63";
  return { uri, database: reader.matching("REDFLEET_MONGODB_DATABASE", name, rule) };
}

function readFlowEnvironment(reader: Reader): Record<string, string> {
  const path = "REDFLEET_ENVIRONMENT_FILE";
  const content = reader.file(path, false);
  if (content === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    reader.fail(path, "no JSON", "the file must be a JSON object", 'write {"NAME": "value"}');
    return {};
  }
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) {
    reader.fail(path, typeof parsed, "the file must be a JSON object", 'write {"NAME": "value"}');
    return {};
  }
  return checkFlowEnvironment(reader, path, parsed as Record<string, unknown>);
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
  const raw = reader.text("REDFLEET_NODES_EXCLUDES", EXCLUDED_NODES.join(","));
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
  reader.oneOf("REDFLEET_FLOW_STORE", ["mongodb"] as const, "mongodb");
  const config: RuntimeConfig = {
    stack: reader.text("REDFLEET_STACK", "dev"),
    role,
    name,
    worker: reader.matching("REDFLEET_WORKER", /^[\w.-]{1,253}$/, "a host name", hostname()),
    httpPort: reader.number("REDFLEET_HTTP_PORT", 1880, 0, 65535),
    healthPort: reader.number("REDFLEET_HEALTH_PORT", 1881, 0, 65535),
    httpNodeRoot: readHttpNodeRoot(reader),
    publicUrl: source.REDFLEET_PUBLIC_URL || undefined,
    title: reader.text("REDFLEET_TITLE", name || "Node-RED"),
    mongodb: readMongodb(reader),
    credentialSecret: readSecret(reader, role),
    flowEnvironment: readFlowEnvironment(reader),
    drainSeconds: reader.number("REDFLEET_DRAIN_SECONDS", 5, 0, 8),
    pollSeconds: reader.number("REDFLEET_POLL_SECONDS", 30, 1, 3600),
    gateSeconds: reader.number("REDFLEET_GATE_SECONDS", 5, 0, 60),
    history: reader.number("REDFLEET_HISTORY", 50, 1, 1000),
    nodesExcludes: readNodesExcludes(reader),
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
