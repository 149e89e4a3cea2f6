/** The library in Valkey: one hash for the bodies, one for all the rest. */
import type { ChainableCommander, Redis } from "ioredis";
import { candidates, entriesOf, fileName, type LibraryFile, normalise } from "./library.ts";
import { unpack } from "./packing.ts";
import type { LibraryEntry } from "./types.ts";
import { WRITE_FILE } from "./valkey-scripts.ts";

const bodies = (prefix: string) => `${prefix}library:bodies`;
const metas = (prefix: string) => `${prefix}library:files`;
const fieldOf = (type: string, path: string) => `${type}:${path}`;

/** Body of a file, or the entries of a folder. An unknown folder is empty, an unknown file an error. */
export async function readLibrary(
  client: Redis,
  prefix: string,
  type: string,
  path: string,
): Promise<string | LibraryEntry[]> {
  const fields = candidates(type, path).map((name) => fieldOf(type, name));
  const found = await client.hmgetBuffer(bodies(prefix), ...fields);
  const body = found.find((value) => value !== null);
  return body ? unpack(body) : entriesOf(path, await filesBelow(client, prefix, type, path));
}

async function filesBelow(
  client: Redis,
  prefix: string,
  type: string,
  path: string,
): Promise<LibraryFile[]> {
  const folder = normalise(path);
  const start = fieldOf(type, folder === "" ? "" : `${folder}/`);
  return Object.entries(await client.hgetall(metas(prefix)))
    .filter(([field]) => field.startsWith(start))
    .map(([field, meta]) => ({ path: field.slice(type.length + 1), meta: JSON.parse(meta) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Writes a file, whose body is packed. */
export function writeLibrary(
  chain: ChainableCommander,
  prefix: string,
  type: string,
  path: string,
  meta: object,
  body: string | Buffer,
): void {
  const field = fieldOf(type, fileName(type, path));
  const [content, files] = [bodies(prefix), metas(prefix)];
  chain.eval(WRITE_FILE, 2, content, files, field, body, JSON.stringify(meta));
}
