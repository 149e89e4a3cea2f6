import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** The file's text, or undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Replaces a file in one step: readers see the old text or the new one, never a part.
 * `mode` defaults to 0640: the edge reads by its group, nobody else does.
 */
export function writeAtomic(path: string, text: string, mode = 0o640): void {
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, text, { mode, flush: true });
  renameSync(temporary, path);
}

/** Writes only when the text differs; tells whether it did. */
export function writeIfChanged(path: string, text: string, mode?: number): boolean {
  if (readText(path) === text) return false;
  writeAtomic(path, text, mode);
  return true;
}
