/**
 * The packages of a replica: before a revision is applied, the set that it names is installed beside the
 * one in use and its node types are loaded in process. When that fails, everything is as before.
 */
import { type Logger, reasonOf } from "../log.ts";
import type { FlowSet } from "../store/types.ts";
import type { PackageFolders } from "./folders.ts";
import { loadModules, typesOf, unloadModule } from "./modules.ts";
import { NpmError } from "./npm.ts";
import { NO_PACKAGES, namesSet, nodeModulesOf } from "./set.ts";
import type { PackageSets } from "./sets.ts";

/** A set that could not be installed is tried again after this; then after twice that, and so on. */
const FIRST_PAUSE_MS = 20_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

export interface ReplicaPackagesOptions {
  sets: PackageSets;
  folders: PackageFolders;
  /** Makes the next deploy restart the nodes of these types. */
  restart(types: Iterable<string>): void;
  log: Logger;
}

interface Failure {
  digest: string;
  error: unknown;
  pauseMs: number;
  until: number;
}

/** What the reload asks. */
export interface PackageSwitch {
  /** Gets the packages of a revision, and runs none of their code. */
  prepare(set: FlowSet): Promise<void>;
  /**
   * Makes the packages of a revision the ones in use, then asks `check`; when it throws, the ones before
   * are in use again.
   */
  change(set: FlowSet, check: () => Promise<void>): Promise<void>;
}

/** One replica's packages. */
export class ReplicaPackages implements PackageSwitch {
  private readonly options: ReplicaPackagesOptions;
  private digest = NO_PACKAGES;
  /** Which set each loaded module came from: one that stays the same is not loaded again. */
  private readonly origins = new Map<string, string>();
  private failure: Failure | undefined;

  constructor(options: ReplicaPackagesOptions) {
    this.options = options;
  }

  /** Node-RED's folder now: its settings ask for it each time. */
  get folder(): string {
    return this.options.folders.of(this.digest);
  }

  /**
   * Before Node-RED starts: a set that was installed before the last restart is used from the start.
   * @param digest the set of a revision that did no harm: its code is loaded before any trial.
   * @param stored the set of the stored revision. All others are removed.
   */
  begin(digest: string, stored: string): void {
    const wanted = namesSet(digest) && this.options.folders.has(digest) ? digest : NO_PACKAGES;
    this.options.folders.prune([digest, stored]);
    this.digest = wanted;
    for (const name of nodeModulesOf(this.folder).keys()) this.origins.set(name, wanted);
  }

  async prepare({ digest }: FlowSet): Promise<void> {
    if (namesSet(digest) && digest !== this.digest) await this.install(digest);
  }

  async change(set: FlowSet, check: () => Promise<void>): Promise<void> {
    const wanted = namesSet(set.digest) ? set.digest : NO_PACKAGES;
    if (wanted === this.digest) return check();
    await this.install(wanted);
    const before = this.digest;
    const from = nodeModulesOf(this.options.folders.of(before));
    const to = nodeModulesOf(this.options.folders.of(wanted));
    const problems = await this.exchange(wanted, from, to);
    try {
      await check();
    } catch (error) {
      await this.exchange(before, to, from);
      throw withProblems(error, problems);
    }
    this.options.log.info("the packages were changed", { digest: wanted, modules: [...to.keys()] });
    this.dropUnused(before);
  }

  /** Those before this change are still in use: by nodes that are about to end. */
  private dropUnused(before: string): void {
    const used = new Set([this.digest, before, ...this.origins.values()]);
    this.options.folders
      .drop((digest) => used.has(digest))
      .catch((error) => {
        this.options.log.warn("package sets were not removed", { reason: reasonOf(error) });
      });
  }

  private async install(digest: string): Promise<void> {
    const { folders, sets } = this.options;
    if (digest === NO_PACKAGES || folders.has(digest)) return;
    const { failure } = this;
    if (failure?.digest === digest && performance.now() < failure.until) throw failure.error;
    try {
      await folders.install(digest, await sets.read(digest));
      this.failure = undefined;
    } catch (cause) {
      const error = new Error(`the modules could not be installed: ${(cause as Error).message}`, {
        cause,
      });
      if (cause instanceof NpmError) this.note(digest, error);
      throw error;
    }
  }

  private note(digest: string, error: unknown): void {
    const last = this.failure?.digest === digest ? this.failure.pauseMs * 2 : FIRST_PAUSE_MS;
    const pauseMs = Math.min(last, LONGEST_PAUSE_MS);
    this.failure = { digest, error, pauseMs, until: performance.now() + pauseMs };
  }

  /** Unloads what goes or changes, loads what comes or has changed. */
  private async exchange(digest: string, from: Map<string, string>, to: Map<string, string>) {
    const gone = [...from].filter(([name, code]) => to.get(name) !== code).map(([name]) => name);
    const come = [...to].filter(([name, code]) => from.get(name) !== code).map(([name]) => name);
    for (const name of gone) {
      unloadModule(name);
      this.origins.delete(name);
    }
    this.digest = digest;
    for (const name of come) this.origins.set(name, digest);
    const problems = await loadModules(come);
    this.options.restart(come.filter((name) => from.has(name)).flatMap(typesOf));
    for (const problem of problems) this.options.log.warn("a module was not loaded", { problem });
    return problems;
  }
}

/** What could not be loaded is most likely why a type is missing. */
function withProblems(error: unknown, problems: string[]): unknown {
  if (problems.length === 0 || !(error instanceof Error)) return error;
  return new Error(`${error.message} (${problems.join("; ")})`, { cause: error });
}
