/**
 * Installed package sets of a replica, one folder each. A folder is whole or not there; it stays as long as
 * something of it may be in use, because modules load files late.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Npm } from "./npm.ts";
import { dependenciesOf, NO_PACKAGES, nodeModulesOf, type PackageSet, readSet } from "./set.ts";

/** Folders below `<userDir>/packages`. */
export class PackageFolders {
  private readonly userDir: string;
  private readonly npm: Npm;

  constructor(userDir: string, npm: Npm) {
    this.userDir = userDir;
    this.npm = npm;
  }

  private get root(): string {
    return join(this.userDir, "packages");
  }

  /** Where a set is, or will be. Without packages it is Node-RED's own folder. */
  of(digest: string): string {
    return digest === NO_PACKAGES ? this.userDir : join(this.root, digest);
  }

  has(digest: string): boolean {
    return statSync(this.of(digest), { throwIfNoEntry: false }) !== undefined;
  }

  /** Installs a set exactly as its lock has it, unless it is there. @throws with npm's reason. */
  async install(digest: string, set: PackageSet): Promise<void> {
    if (this.has(digest)) return;
    const work = join(this.root, `.${digest}`);
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    try {
      await this.npm.installSet(set, work);
      renameSync(work, this.of(digest));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  /** Removes the sets that are not in use, but for those with modules of functions: nobody knows which nodes hold one. */
  async drop(isUsed: (digest: string) => boolean): Promise<void> {
    const unused = readdirSync(this.root).filter((name) => !name.startsWith(".") && !isUsed(name));
    const graves = unused
      .filter((digest) => !this.servesFunctions(digest))
      .map((digest) => {
        const grave = join(this.root, `.gone-${digest}`);
        renameSync(this.of(digest), grave);
        return grave;
      });
    await Promise.all(graves.map((grave) => rm(grave, { recursive: true, force: true })));
  }

  /** True when a set has modules that somebody asked for and that are no nodes. */
  private servesFunctions(digest: string): boolean {
    const set = readSet(this.of(digest));
    const nodes = nodeModulesOf(this.of(digest));
    return set !== null && Object.keys(dependenciesOf(set)).some((name) => !nodes.has(name));
  }

  /** Removes all other sets. Only before anything is loaded from them. */
  prune(kept: readonly string[]): void {
    mkdirSync(this.root, { recursive: true });
    for (const name of readdirSync(this.root)) {
      if (!kept.includes(name)) rmSync(join(this.root, name), { recursive: true, force: true });
    }
  }
}
