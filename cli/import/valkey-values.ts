import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Redis } from "ioredis";
import { CliError } from "../errors.ts";

/** Mark of a value that node-red-cluster has compressed; base64 of gzip follows. */
const COMPRESSED = "gzip:";

/** Most values that are asked for at once. */
const AT_ONCE = 100;

/** The value of a key; undefined where there is none. @throws CliError for what cannot be decoded. */
export async function readValue(client: Redis, key: string): Promise<unknown> {
  const unreadable = ({ message }: Error) =>
    new CliError({
      what: `the value of "${key}" cannot be read`,
      why: message,
      fix: "open and deploy the flows once in the old editor, which writes it anew",
    });
  const raw = await client.get(key).catch((error: Error) => {
    throw error.message.startsWith("WRONGTYPE") ? unreadable(error) : error;
  });
  if (raw === null) return undefined;
  return decoded(raw).catch((error: Error) => {
    throw unreadable(error);
  });
}

/** The value of each key; undefined where there is none, or none that can be decoded. */
export async function readAll(client: Redis, keys: readonly string[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for (let start = 0; start < keys.length; start += AT_ONCE) {
    const raw = await client.mget(keys.slice(start, start + AT_ONCE));
    const read = raw.map(async (text) => (text === null ? undefined : decoded(text)));
    values.push(...(await Promise.all(read.map((value) => value.catch(() => undefined)))));
  }
  return values;
}

async function decoded(raw: string): Promise<unknown> {
  if (!raw.startsWith(COMPRESSED)) return JSON.parse(raw);
  const bytes = Buffer.from(raw.slice(COMPRESSED.length), "base64");
  return JSON.parse((await promisify(gunzip)(bytes)).toString());
}

/** All keys that begin so, in order; SCAN does not block the server. */
export async function keysFrom(client: Redis, start: string): Promise<string[]> {
  const match = `${start.replace(/[\\*?[\]]/g, "\\$&")}*`;
  const keys = new Set<string>();
  for await (const page of client.scanStream({ match, count: 500 })) {
    for (const key of page as string[]) keys.add(key);
  }
  return [...keys].sort();
}
