/** Node-RED's settings: hardened, and the same for everybody but for the role. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ContextStore } from "./context/store.ts";
import type { RuntimeConfig } from "./environment.ts";
import type { Leaders } from "./leader/types.ts";
import type { Logger } from "./log.ts";
import type { Handler } from "./node-red.ts";
import { moduleSettings } from "./packages/settings.ts";

export interface SettingsParts {
  config: RuntimeConfig;
  secret: string;
  storageModule: object;
  adminAuth: object;
  log: Logger;
  /** The shared context; undefined where there is none. */
  sharedContext?: ContextStore;
  /** Asked for each time: a replica's folder changes with its packages. */
  userDir(): string;
  /** Sees the admin API's requests pass; undefined where nobody wants to. */
  adminMiddleware?: Handler;
  /** Flows are loaded and not started. */
  safeMode?: boolean;
  /** For the leader nodes. */
  leaders: Leaders;
}

/** Our own packages lie beside the runtime. */
const PACKAGES = fileURLToPath(new URL("../packages", import.meta.url));
const packageFolder = (name: string) => join(PACKAGES, name);

/** Node-RED takes a store by a function that makes it. */
function contextStorage({ config, sharedContext }: SettingsParts) {
  if (sharedContext === undefined) return undefined;
  const module = Object.assign(() => sharedContext, { toString: () => "redfleet" });
  return {
    default: config.context.default,
    memory: { module: "memory" },
    shared: { module },
  };
}

/** Settings that both the editor's side and replicas have. */
function commonSettings(parts: SettingsParts) {
  const { config, secret, storageModule, log, userDir } = parts;
  return {
    uiPort: config.httpPort,
    get userDir() {
      return userDir();
    },
    httpNodeRoot: config.httpNodeRoot === "/" ? "/" : `${config.httpNodeRoot}/`,
    // Bodies of the admin API: flow sets of 20 MB and more. The edge has a limit of its own.
    apiMaxLength: "64mb",
    httpServerOptions: { "trust proxy": "loopback, linklocal, uniquelocal" },
    storageModule,
    credentialSecret: secret,
    logging: { redfleet: loggingOf(log) },
    nodesExcludes: config.nodesExcludes,
    functionGlobalContext: {},
    contextStorage: contextStorage(parts),
    nodesDir: [
      "redfleet-leader",
      ...(config.role === "editor" ? ["redfleet-fleet", "redfleet-context"] : []),
    ].map(packageFolder),
    // What our own nodes and plugins get from the runtime.
    redfleet: { leaders: parts.leaders, sharedContext: parts.sharedContext },
    exportGlobalContextKeys: false,
    tlsConfigDisableLocalFiles: true,
    // The platform's own variables are none of a flow's business.
    envVarExcludes: Object.keys(process.env).filter((name) => name.startsWith("REDFLEET_")),
    ...moduleSettings(config.role, config.packages, PACKAGES),
    diagnostics: { enabled: false, ui: false },
    runtimeState: { enabled: false, ui: false },
    telemetry: { enabled: false, updateNotification: false },
  };
}

function editorSettings({ config, adminAuth, adminMiddleware }: SettingsParts) {
  return {
    httpAdminRoot: "/",
    httpAdminMiddleware: adminMiddleware,
    adminAuth,
    editorTheme: {
      page: { title: config.title },
      header: { title: config.title, ...(config.publicUrl && { url: config.publicUrl }) },
      projects: { enabled: false },
      tours: false,
      multiplayer: { enabled: false },
    },
  };
}

/** All settings for one process. */
export function createSettings(parts: SettingsParts): Record<string, unknown> {
  const common = commonSettings(parts);
  if (parts.safeMode) Object.assign(common, { safeMode: true });
  const own = parts.config.role === "replica" ? { httpAdminRoot: false } : editorSettings(parts);
  // Not by spreading, which would read `userDir` once and for all.
  return Object.assign(common, own);
}

interface LogMessage {
  level: number;
  msg?: unknown;
  type?: string;
  id?: string;
  name?: string;
  event?: string;
  /** Who is logged in. */
  user?: { username?: string };
  /** Who logs in, or tries to. */
  username?: string;
  [field: string]: unknown;
}

/**
 * Node-RED's level of audit entries. Of the others 20 is error, 30 warn, 40 info; its documentation lists them at
 * https://nodered.org/docs/user-guide/runtime/logging.
 */
const AUDIT = 98;

function loggingOf(log: Logger) {
  const text = (msg: unknown) => {
    if (typeof msg === "string") return msg;
    // An error of a function node is of another realm, so it is no instance of Error here.
    const { message } = (msg ?? {}) as { message?: unknown };
    return typeof message === "string" ? message : JSON.stringify(msg);
  };
  return {
    level: "info",
    metrics: false,
    audit: true,
    handler: () => (entry: LogMessage) => {
      if (entry.level === AUDIT) return logAudit(log, entry);
      const { type, id, name } = entry;
      const fields = { source: "node-red", ...(type && { type, id }), ...(name && { name }) };
      const message = text(entry.msg ?? "").trim();
      if (entry.level <= 20) log.error(message, fields);
      else if (entry.level === 30) log.warn(message, fields);
      else log.info(message, fields);
    },
  };
}

/** Who did what; reads that are allowed are left out, they come by the dozen with each page. */
function logAudit(log: Logger, { event = "", user, username, ...entry }: LogMessage): void {
  const { ip, path, type, id, module, error } = entry;
  const passes = /\.(get|getState|getConfig)$/.test(event) || event.startsWith("comms.");
  if (passes && error === undefined) return;
  const fields = { ip, path, type, id, module, error };
  log.info(event, { source: "audit", user: user?.username ?? username, ...fields });
}

/** Node-RED reads the package file of its folder at start and logs an error when there is none. */
export function prepareUserDir(userDir: string): void {
  mkdirSync(userDir, { recursive: true });
  writeIfAbsent(
    join(userDir, "package.json"),
    '{"name":"node-red-project","private":true}\n',
    0o644,
  );
}

function writeIfAbsent(file: string, content: string, mode: number): void {
  try {
    writeFileSync(file, content, { mode, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** A tenant without a given secret makes one, and keeps it beside its data. */
export function credentialSecret(config: RuntimeConfig): string {
  if (config.credentialSecret !== undefined) return config.credentialSecret;
  const file = join(config.userDir, ".credential-secret");
  writeIfAbsent(file, randomBytes(32).toString("hex"), 0o400);
  return readFileSync(file, "utf8").trim();
}
