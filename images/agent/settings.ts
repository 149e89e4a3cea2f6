import { readFileSync } from "node:fs";

/** Where the edge's certificate comes from. */
export type TlsSettings =
  | { mode: "ownCa"; leafDays: number }
  | { mode: "files"; certificateFile: string; keyFile: string };

/** What the edge is asked to be: REDFLEET_EDGE_SETTINGS_FILE with its defaults filled in. */
export interface EdgeSettings {
  /** Ports inside the container. */
  httpPort: number;
  httpsPort: number;
  /** The port that people's browsers see; part of redirects and of X-Forwarded-Port. */
  publicHttpsPort: number;
  domain: string;
  tls: TlsSettings;
  /** Largest request body in bytes; more is answered 413. Default 10 MiB. */
  bodyLimitBytes: number;
  /** Requests per second of one source to one host, measured over 10 s; 0 is no limit. Default 1000. */
  rateLimitPerSecond: number;
  /** Logins (POST /auth/token) per minute of one source to one host; 0 is no limit. Default 30. */
  loginLimitPerMinute: number;
  /** Strict-Transport-Security for two years. Default on, but not under `localhost`. */
  hsts: boolean;
  /** Connections at a time over all hosts. Default 1280, which fits in 128 MB. */
  maxConnections: number;
  /**
   * Connections, and requests, at a time of one source; 0 is no limit. Users behind one address
   * share it. Default 500.
   */
  connectionsPerSource: number;
}

/** Stores whose connections are encrypted. */
export interface StoreSettings {
  tls: ("mongodb" | "valkey")[];
  /** Days that a member's certificate is valid; fractions count. Default 90. */
  leafDays: number;
}

/** The agent's own settings. */
export interface Settings {
  stack: string;
  stores: StoreSettings;
  /** File with the servers of stores that somebody else runs, one a line. */
  externalStoresFile?: string;
  /** The data network's range, closed to tenants whatever range it is. */
  subnet?: string;
  edge: EdgeSettings;
}

type Fields = Record<string, unknown>;

function number(fields: Fields, key: string, fallback: number, min = 0, max = 2 ** 40): number {
  const value = fields[key] ?? fallback;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new Error(`edge settings: ${key} is ${JSON.stringify(value)}, not in ${min}..${max}`);
}

function domainName(value: unknown): string {
  if (typeof value === "string" && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(value)) return value;
  throw new Error(`edge settings: domain is ${JSON.stringify(value)}, not a DNS name`);
}

function tlsSettings(value: unknown): TlsSettings {
  const fields = (value ?? { mode: "ownCa" }) as Fields;
  if (fields.mode === "ownCa") {
    return { mode: "ownCa", leafDays: number(fields, "leafDays", 90, 0.00001, 90) };
  }
  if (fields.mode === "files") {
    return {
      mode: "files",
      certificateFile: String(fields.certificateFile ?? "/run/redfleet/tls.crt"),
      keyFile: String(fields.keyFile ?? "/run/redfleet/tls.key"),
    };
  }
  throw new Error(`edge settings: tls.mode is ${JSON.stringify(fields.mode)}, not ownCa or files`);
}

/** Fills in the defaults; throws with the field's name on a value that cannot be. */
export function parseEdgeSettings(fields: Fields, fallbackDomain?: string): EdgeSettings {
  const domain = domainName(fields.domain ?? fallbackDomain);
  const local = domain === "localhost" || domain.endsWith(".localhost");
  return {
    httpPort: number(fields, "httpPort", 8080, 1, 65535),
    httpsPort: number(fields, "httpsPort", 8443, 1, 65535),
    publicHttpsPort: number(fields, "publicHttpsPort", 443, 1, 65535),
    domain,
    tls: tlsSettings(fields.tls),
    bodyLimitBytes: number(fields, "bodyLimitBytes", 10 * 1024 * 1024, 1),
    rateLimitPerSecond: number(fields, "rateLimitPerSecond", 1000),
    loginLimitPerMinute: number(fields, "loginLimitPerMinute", 30),
    hsts: typeof fields.hsts === "boolean" ? fields.hsts : !local,
    maxConnections: number(fields, "maxConnections", 1280, 10, 1_000_000),
    connectionsPerSource: number(fields, "connectionsPerSource", 500),
  };
}

function storeSettings(environment: NodeJS.ProcessEnv): StoreSettings {
  const listed = (environment.REDFLEET_STORE_TLS ?? "").split(",").filter(Boolean);
  const tls = listed.map((name) => {
    if (name === "mongodb" || name === "valkey") return name;
    throw new Error(`REDFLEET_STORE_TLS names ${JSON.stringify(name)}, not mongodb or valkey`);
  });
  const leafDays = Number(environment.REDFLEET_STORE_LEAF_DAYS ?? 90);
  if (leafDays > 0 && leafDays <= 90) return { tls, leafDays };
  throw new Error(`REDFLEET_STORE_LEAF_DAYS is ${leafDays}, not more than 0 and at most 90`);
}

/** Reads the environment contract; throws when something essential is missing. */
export function loadSettings(environment: NodeJS.ProcessEnv): Settings {
  const stack = environment.REDFLEET_STACK;
  if (!stack || !/^[a-z][a-z0-9-]*$/.test(stack)) throw new Error(`REDFLEET_STACK is "${stack}"`);
  const file = environment.REDFLEET_EDGE_SETTINGS_FILE ?? "/run/redfleet/edge.json";
  const fields = JSON.parse(readFileSync(file, "utf8")) as Fields;
  const edge = parseEdgeSettings(fields, environment.REDFLEET_DOMAIN);
  const stores = storeSettings(environment);
  const externalStoresFile = environment.REDFLEET_EXTERNAL_STORES_FILE;
  const subnet = environment.REDFLEET_SUBNET || undefined;
  return { stack, subnet, edge, stores, externalStoresFile };
}
