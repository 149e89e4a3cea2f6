/** The part of the environment that says where flows and what belongs to them live. */
import { type Reader, readObject } from "./environment-reader.ts";

/** Where a server is. */
export interface ValkeyAddress {
  readonly host: string;
  readonly port: number;
}

/** How to reach Valkey, and which keys in it are ours: the content of `REDFLEET_VALKEY_FILE`. */
export interface ValkeySettings {
  /** Sentinels to ask for the primary; without them `server` is the primary. */
  readonly sentinels?: readonly ValkeyAddress[];
  readonly server?: ValkeyAddress;
  /** Name of the primary at the Sentinels. Default `redfleet`. */
  readonly masterName?: string;
  readonly username?: string;
  readonly password?: string;
  /** Number of the database in the server. Default 0. */
  readonly database?: number;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** TLS for servers and Sentinels alike: PEM, or the file that holds the authority's. */
  readonly tls?: {
    readonly ca?: string;
    readonly caFile?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  /** Start of each key and channel: the only ones that the user may touch. */
  readonly prefix: string;
}

/** The back ends of the flow store. */
export type FlowStoreKind = "mongodb" | "valkey";

/** Where flows and what belongs to them live. */
export interface StoreConfig {
  flowStore: FlowStoreKind;
  /** Set for the flow store `mongodb`. */
  mongodb: { uri: string; database: string } | undefined;
  /** Set for the flow store `valkey`, and wherever else Valkey is used. */
  valkey: ValkeySettings | undefined;
  /** Replicas of Valkey that must have a save before it counts. */
  waitReplicas: number;
}

function readMongodb(reader: Reader): NonNullable<StoreConfig["mongodb"]> {
  const uri = reader.file("REDFLEET_MONGODB_URI_FILE", true) ?? "";
  if (uri !== "" && !/^mongodb(\+srv)?:\/\//.test(uri)) {
    const rule = "the file must hold a mongodb:// connection string";
    reader.fail("REDFLEET_MONGODB_URI_FILE", "(hidden)", rule, "mongodb://user:password@host/…");
  }
  const name = /^[a-z0-9][a-z0-9_-]{0,62}$/;
  const rule = "a database name: a-z, 0-9, - and _, at most 63";
  return { uri, database: reader.matching("REDFLEET_MONGODB_DATABASE", name, rule) };
}

function readValkey(reader: Reader, required: boolean): ValkeySettings | undefined {
  const path = "REDFLEET_VALKEY_FILE";
  const content = reader.file(path, required);
  if (content === undefined) return undefined;
  const example = '{"server": {"host": …, "port": …}, "prefix": …}';
  const settings = readObject(reader, path, content, example);
  if (settings !== undefined) checkValkey(reader, path, settings);
  return settings as ValkeySettings | undefined;
}

function checkValkey(reader: Reader, path: string, settings: Record<string, unknown>): void {
  const { sentinels, server, prefix } = settings;
  const addresses = sentinels === undefined ? [server] : sentinels;
  const isAddress = (value: unknown) => {
    const { host, port } = (value ?? {}) as { host?: unknown; port?: unknown };
    return typeof host === "string" && Number.isInteger(port);
  };
  if (!Array.isArray(addresses) || addresses.length === 0 || !addresses.every(isAddress)) {
    const rule = "must name sentinels or a server as {host, port}";
    reader.fail(path, "(hidden)", rule, '"server": {"host": "valkey", "port": 6379}');
  }
  if (typeof prefix !== "string" || !/^[\w:-]{1,100}:$/.test(prefix)) {
    const rule = "prefix must be a text that ends with a colon";
    reader.fail(path, JSON.stringify(prefix), rule, '"prefix": "nr:cluster-main:"');
  }
}

/** Reads where the stores are. */
export function readStores(reader: Reader): StoreConfig {
  const kinds: readonly FlowStoreKind[] = ["mongodb", "valkey"];
  const flowStore = reader.oneOf("REDFLEET_FLOW_STORE", kinds, "mongodb");
  return {
    flowStore,
    mongodb: flowStore === "mongodb" ? readMongodb(reader) : undefined,
    valkey: readValkey(reader, flowStore === "valkey"),
    waitReplicas: reader.number("REDFLEET_VALKEY_WAIT_REPLICAS", 0, 0, 5),
  };
}
