/** What Node-RED's library is in every store: files in folders, told apart by type. */
import type { LibraryEntry } from "./types.ts";

/** A file without its body. */
export interface LibraryFile {
  path: string;
  meta: Record<string, unknown>;
}

/** A path without empty parts. */
export const normalise = (path: string): string => path.split("/").filter(Boolean).join("/");

/** Name under which a file is kept; flows get the ending `.json`, as in Node-RED's own store. */
export function fileName(type: string, path: string): string {
  const plain = normalise(path);
  return type === "flows" && !plain.endsWith(".json") ? `${plain}.json` : plain;
}

/** Names under which a wanted file may be kept: flows are asked for with and without their ending. */
export function candidates(type: string, path: string): string[] {
  const plain = normalise(path);
  return type === "flows" ? [plain, `${plain}.json`] : [plain];
}

/**
 * Entries of a folder, folders first, from all files below it in the order of their paths.
 * @throws for something that is neither a file nor a folder.
 */
export function entriesOf(path: string, files: readonly LibraryFile[]): LibraryEntry[] {
  const folder = normalise(path);
  if (files.length === 0 && folder !== "" && !path.endsWith("/")) {
    throw new Error(`Library Entry not found ${path}`);
  }
  const start = folder === "" ? 0 : folder.length + 1;
  const folders = new Set<string>();
  const entries: LibraryEntry[] = [];
  for (const { path: file, meta } of files) {
    const [name, ...rest] = file.slice(start).split("/") as [string, ...string[]];
    if (rest.length > 0) folders.add(name);
    else entries.push({ ...meta, fn: name });
  }
  return [...folders, ...entries];
}
