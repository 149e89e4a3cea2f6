/** Node-RED's library of flows, functions and templates: files in folders, told apart by type. */
import type { Collection, Db } from "mongodb";
import type { LibraryEntry } from "./types.ts";

interface LibraryDocument {
  _id: string;
  type: string;
  path: string;
  meta: Record<string, unknown>;
  body: string;
}

const libraryOf = (db: Db): Collection<LibraryDocument> => db.collection("library");
const idOf = (type: string, path: string) => `${type}:${path}`;
const normalise = (path: string) => path.split("/").filter(Boolean).join("/");

/** Body of a file, or the entries of a folder. An unknown folder is empty, an unknown file an error. */
export async function readLibrary(
  db: Db,
  type: string,
  path: string,
): Promise<string | LibraryEntry[]> {
  const wanted = normalise(path);
  const file = await findFile(db, type, wanted);
  if (file) return file.body;
  const entries = await listFolder(db, type, wanted);
  if (entries.length === 0 && wanted !== "" && !path.endsWith("/")) {
    throw new Error(`Library Entry not found ${path}`);
  }
  return entries;
}

/** Flows are asked for without their `.json`, as Node-RED's own store allows. */
async function findFile(db: Db, type: string, path: string): Promise<LibraryDocument | null> {
  const names = type === "flows" ? [path, `${path}.json`] : [path];
  return libraryOf(db).findOne({ _id: { $in: names.map((name) => idOf(type, name)) } });
}

async function listFolder(db: Db, type: string, folder: string): Promise<LibraryEntry[]> {
  const prefix = folder === "" ? "" : `${folder}/`;
  // A range instead of a pattern: the folder's name is a user's text. "0" follows "/".
  const range = prefix === "" ? {} : { path: { $gte: prefix, $lt: `${folder}0` } };
  const found = await libraryOf(db)
    .find({ type, ...range }, { projection: { path: 1, meta: 1 }, sort: { path: 1 } })
    .toArray();
  const folders = new Set<string>();
  const files: LibraryEntry[] = [];
  for (const { path, meta } of found) {
    const [name, ...rest] = path.slice(prefix.length).split("/") as [string, ...string[]];
    if (rest.length > 0) folders.add(name);
    else files.push({ ...meta, fn: name });
  }
  return [...folders, ...files];
}

/** Writes a file; flows get the ending `.json`, as in Node-RED's own store. */
export async function writeLibrary(
  db: Db,
  type: string,
  path: string,
  meta: object,
  body: string,
): Promise<void> {
  const plain = normalise(path);
  const name = type === "flows" && !plain.endsWith(".json") ? `${plain}.json` : plain;
  const document = { type, path: name, meta: { ...meta }, body };
  await libraryOf(db).replaceOne({ _id: idOf(type, name) }, document, { upsert: true });
}
