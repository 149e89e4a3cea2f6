import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Redis } from "ioredis";
import { CliError } from "../errors.ts";
import { GENERATED_SECRET, revealed } from "./secrets.ts";
import type { FlowNode, Found, LibraryEntry, SourceOptions } from "./types.ts";

/** Mark of a value that node-red-cluster has compressed; base64 of gzip follows. */
const COMPRESSED = "gzip:";

/** Reads the keys of node-red-cluster (or its predecessor) in a Valkey or Redis. */
export async function readValkey(url: string, options: SourceOptions): Promise<Found> {
  const client = new Redis(url.replace(/^valkey/, "redis"), {
    lazyConnect: true,
    connectTimeout: 5000,
    commandTimeout: 10_000,
    retryStrategy: () => null,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return await readKeys(client, options);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError({
      what: "the Valkey or Redis to import from does not let itself be read",
      why: (error as Error).message,
      fix: "check the URL: redis://user:password@host:6379/0, rediss:// with TLS",
    });
  } finally {
    client.disconnect();
  }
}

async function readKeys(
  client: Redis,
  { prefix, credentialSecret }: SourceOptions,
): Promise<Found> {
  const flows = await readValue(client, `${prefix}flows`);
  if (flows === undefined) {
    throw new CliError({
      what: `there is no key "${prefix}flows"`,
      why: "node-red-cluster keeps the flows there, after its prefix",
      fix: "--prefix <text> when the old settings have another keyPrefix than nodered:",
    });
  }
  const stored = (await readValue(client, `${prefix}credentials`)) ?? {};
  const settings = (await readValue(client, `${prefix}settings`)) as
    | Record<string, string>
    | undefined;
  const contexts = await scan(client, "context:*");
  return {
    system: `node-red-cluster, keys ${prefix}*`,
    flows: flows as FlowNode[],
    credentials: revealed(stored as object, credentialSecret ?? settings?.[GENERATED_SECRET]),
    library: await readLibrary(client, `${prefix}library:`),
    modules: {},
    leftOut: contexts.length === 0 ? [] : [`context: ${contexts.length} keys`],
  };
}

async function readLibrary(client: Redis, prefix: string): Promise<LibraryEntry[]> {
  const keys = (await scan(client, `${prefix}*`)).sort();
  return Promise.all(
    keys.map(async (key) => {
      const [type = "", ...path] = key.slice(prefix.length).split(":");
      const value = await readValue(client, key);
      const { meta = {}, body = value } = (value ?? {}) as Partial<LibraryEntry>;
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return { type, path: path.join(":").replace(/^\/+/, ""), meta, body: text };
    }),
  );
}

async function readValue(client: Redis, key: string): Promise<unknown> {
  const raw = await client.get(key);
  if (raw === null) return undefined;
  try {
    const text = raw.startsWith(COMPRESSED) ? await unzipped(raw.slice(COMPRESSED.length)) : raw;
    return JSON.parse(text);
  } catch (error) {
    throw new CliError({
      what: `the value of "${key}" cannot be read`,
      why: (error as Error).message,
      fix: "open and deploy the flows once in the old editor, which writes it anew",
    });
  }
}

const unzipped = async (base64: string): Promise<string> =>
  (await promisify(gunzip)(Buffer.from(base64, "base64"))).toString();

/** All keys of a pattern; SCAN does not block the server. */
async function scan(client: Redis, match: string): Promise<string[]> {
  const keys = new Set<string>();
  for await (const page of client.scanStream({ match, count: 500 })) {
    for (const key of page as string[]) keys.add(key);
  }
  return [...keys];
}
