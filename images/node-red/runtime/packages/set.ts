/** A package set: what npm needs to make the same `node_modules` anywhere, and the name it goes by. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The two files of a folder that npm installs into, as npm wrote them. */
export interface PackageSet {
  /** package.json. */
  readonly manifest: string;
  /** package-lock.json: exact versions, where they come from, and their hashes. */
  readonly lock: string;
}

/** Digest of the set without any package: what the image holds is all there is. */
export const NO_PACKAGES = "";

/** What a digest of a set looks like. Anything else that a revision carries names no set. */
const DIGEST = /^sha256-[0-9a-f]{64}$/;

interface Manifest {
  dependencies?: Record<string, string>;
}

interface Lock {
  packages?: Record<string, { version?: string; integrity?: string; resolved?: string }>;
}

/** Names and wanted versions of the packages that people asked for. */
export function dependenciesOf({ manifest }: Pick<PackageSet, "manifest">): Record<string, string> {
  return (JSON.parse(manifest) as Manifest).dependencies ?? {};
}

/** Name of a set: the same content has the same name everywhere. */
export function digestOf(set: PackageSet | null): string {
  if (set === null || Object.keys(dependenciesOf(set)).length === 0) return NO_PACKAGES;
  const hash = createHash("sha256").update(`${set.manifest.length}:${set.manifest}${set.lock}`);
  return `sha256-${hash.digest("hex")}`;
}

/** True when a revision needs packages beside those of the image. */
export function namesSet(digest: string): boolean {
  return DIGEST.test(digest);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The set of a folder; null where npm has not installed anything. */
export function readSet(folder: string): PackageSet | null {
  const manifest = readIfThere(join(folder, "package.json"));
  const lock = readIfThere(join(folder, "package-lock.json"));
  return manifest === undefined || lock === undefined ? null : { manifest, lock };
}

/** Node-RED modules of an installed folder: name and what identifies their code. */
export function nodeModulesOf(folder: string): Map<string, string> {
  const lock = readIfThere(join(folder, "package-lock.json"));
  const entries = Object.entries((JSON.parse(lock ?? "{}") as Lock).packages ?? {});
  const found = new Map<string, string>();
  for (const [path, { version, integrity, resolved }] of entries) {
    const name = path.slice("node_modules/".length);
    // Node-RED looks at the top of node_modules only.
    if (path === "" || name.includes("node_modules/")) continue;
    if (isNodeModule(join(folder, path))) found.set(name, [version, integrity ?? resolved].join());
  }
  return found;
}

function isNodeModule(folder: string): boolean {
  const manifest = readIfThere(join(folder, "package.json"));
  if (manifest === undefined) return false;
  return typeof (JSON.parse(manifest) as { "node-red"?: unknown })["node-red"] === "object";
}
