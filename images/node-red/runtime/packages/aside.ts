/** What npm has installed in a folder, put aside for the time of a change that may have to be taken back. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const PARTS = ["package.json", "package-lock.json", "node_modules"];

const asideOf = (folder: string) => join(folder, ".redfleet-aside");

function remove(folder: string, names: readonly string[]): void {
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true });
}

function move(from: string, to: string): void {
  for (const name of PARTS) {
    if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
  }
}

/** Leaves the folder without packages; what it had is kept. */
export function putAside(folder: string): void {
  forget(folder);
  mkdirSync(asideOf(folder));
  move(folder, asideOf(folder));
}

/** Makes the folder hold again what it had: without npm, because the registry may be away. */
export function takeBack(folder: string): void {
  remove(folder, PARTS);
  move(asideOf(folder), folder);
  forget(folder);
}

/** The change stays. */
export function forget(folder: string): void {
  rmSync(asideOf(folder), { recursive: true, force: true });
}

/** After a process that ended in the middle of a change: nobody knows what the folder holds, so it holds nothing. */
export function clearIfCutOff(folder: string): boolean {
  if (!existsSync(asideOf(folder))) return false;
  remove(folder, PARTS);
  forget(folder);
  return true;
}
