/** The library in MongoDB: one document a file. */
import type { Collection, Db } from "mongodb";
import { candidates, entriesOf, fileName, type LibraryFile, normalise } from "./library.ts";
import type { LibraryEntry } from "./types.ts";

interface LibraryDocument extends LibraryFile {
  _id: string;
  type: string;
  body: string;
}

/** Read where it was written: somebody who has just saved a file looks for it. */
const libraryOf = (db: Db): Collection<LibraryDocument> =>
  db.collection("library", { readPreference: "primary" });
const idOf = (type: string, path: string) => `${type}:${path}`;

/** Body of a file, or the entries of a folder. An unknown folder is empty, an unknown file an error. */
export async function readLibrary(
  db: Db,
  type: string,
  path: string,
): Promise<string | LibraryEntry[]> {
  const ids = candidates(type, path).map((name) => idOf(type, name));
  const file = await libraryOf(db).findOne({ _id: { $in: ids } });
  return file ? file.body : entriesOf(path, await filesBelow(db, type, normalise(path)));
}

async function filesBelow(db: Db, type: string, folder: string): Promise<LibraryFile[]> {
  // A range instead of a pattern: the folder's name is a user's text. "0" follows "/".
  const range = folder === "" ? {} : { path: { $gte: `${folder}/`, $lt: `${folder}0` } };
  return libraryOf(db)
    .find({ type, ...range }, { projection: { path: 1, meta: 1 }, sort: { path: 1 } })
    .toArray();
}

/** Writes a file. */
export async function writeLibrary(
  db: Db,
  type: string,
  path: string,
  meta: object,
  body: string,
): Promise<void> {
  const name = fileName(type, path);
  const document = { type, path: name, meta: { ...meta }, body };
  await libraryOf(db).replaceOne({ _id: idOf(type, name) }, document, { upsert: true });
}
