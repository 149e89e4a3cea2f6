/**
 * The packages of an editor, or of a tenant's own runtime: npm works in Node-RED's folder, and whatever
 * it does there becomes a package set in the flow store, and a revision that names it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, reasonOf } from "../log.ts";
import type { FlowSet } from "../store/types.ts";
import { clearIfCutOff, forget, putAside, takeBack } from "./aside.ts";
import { installDeclared } from "./declared.ts";
import { loadModules, unloadModule } from "./modules.ts";
import type { Npm, NpmCalls } from "./npm.ts";
import { dependenciesOf, digestOf, NO_PACKAGES, namesSet, nodeModulesOf, readSet } from "./set.ts";
import type { PackageSets } from "./sets.ts";

/** A set is stored this long after npm's last change. */
const DEBOUNCE_MS = 500;
/** Pause before modules that could not be installed are tried again. */
const RETRY_MS = 30_000;
/** What the palette manager may ask npm for: an exact version or a tag. No URL, no path, no alias. */
const VERSION = /^[\w.+-]+$/;
const NAME = /^(@[\w.~-]+\/)?[\w.~-]+$/;

export interface EditorPackagesOptions {
  userDir: string;
  sets: Pick<PackageSets, "read" | "keep">;
  npm: Npm;
  /** Declared modules, `name@version`. */
  modules: readonly string[];
  /** Called when the set differs from what it was. Makes a revision that names the new one. */
  onChange(): Promise<void>;
  log: Logger;
}

/** What Node-RED tells before it would call npm. */
interface NpmEvent {
  module: string;
  version?: string;
  url?: string;
  dir: string;
  args: string[];
}

interface Hooks {
  add(name: string, listener: (event: NpmEvent) => Promise<false>): void;
}

const require = createRequire(import.meta.url);

/** One editor's packages. */
export class EditorPackages {
  private readonly options: EditorPackagesOptions;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: EditorPackagesOptions) {
    this.options = options;
    if (clearIfCutOff(options.userDir)) this.remember(NO_PACKAGES);
  }

  /** Digest of what is installed now; the set is in the flow store when this resolves. */
  async digest(): Promise<string> {
    const set = readSet(this.options.userDir);
    const digest = await this.options.sets.keep(set);
    this.remember(digest);
    return digest;
  }

  /** Takes over npm from Node-RED: its own calls know neither the memory limit nor the reasons. */
  takeOver(): void {
    const { hooks } = require("@node-red/util") as { hooks: Hooks };
    hooks.add("preInstall.redfleet", async ({ module, version, url, dir, args }) => {
      if (url || !NAME.test(module) || (version && !VERSION.test(version))) {
        throw new Error("only packages of the registry can be installed, by name and version");
      }
      await this.npm(["install", ...args, "--", version ? `${module}@${version}` : module], dir);
      return false;
    });
    hooks.add("preUninstall.redfleet", async ({ module, dir, args }) => {
      await this.npm(["uninstall", ...args, "--", module], dir);
      return false;
    });
  }

  private async npm(args: string[], dir: string): Promise<void> {
    await this.options.npm.run(args, dir);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.options.onChange(), DEBOUNCE_MS);
  }

  /**
   * Before Node-RED starts: what the stored revision and the stack file ask for. Returns what did not work,
   * for people; it is tried again by {@link retry}.
   */
  async begin(stored: string): Promise<string | undefined> {
    try {
      await this.options.npm.exclusively(async (npm) => {
        await this.restore(stored, npm);
        await installDeclared({ ...this.options, npm });
      });
      return undefined;
    } catch (error) {
      const reason = `modules could not be installed: ${reasonOf(error)}`;
      this.options.log.error(reason);
      return reason;
    }
  }

  /** Installs and loads what is missing, sooner or later; resolves when it is there. */
  async retry(stored: string): Promise<void> {
    do await sleep(RETRY_MS, undefined, { ref: false });
    while ((await this.begin(stored)) !== undefined);
    await loadModules(nodeModulesOf(this.options.userDir).keys());
  }

  /**
   * Before a revision of somebody else is applied, such as a rollback: installs the set that it names and loads
   * what that adds; when that fails or `check` throws, the folder has what it had before, and nothing that was
   * installed since. A folder with a change that no revision names yet stays as it is. A module that is loaded in
   * another version goes on until the next start: its code is cached by its path.
   */
  async change({ digest }: Pick<FlowSet, "digest">, check: () => Promise<void>): Promise<void> {
    const undo = this.lacks(digest) ? await this.exchange(digest) : undefined;
    try {
      // Out of npm's turn: it may have modules of functions installed, one by one with those of other deploys.
      await check();
    } catch (error) {
      await undo?.();
      throw error;
    }
    if (undo) forget(this.options.userDir);
  }

  /** True when the folder has another set than this one, and no change that no revision names. */
  private lacks(digest: string): boolean {
    const here = digestOf(readSet(this.options.userDir));
    return namesSet(digest) && here !== digest && here === this.remembered();
  }

  /**
   * Exchanges the packages as soon as npm is not at work in the folder, unless that has changed it.
   * Answers how to take that back.
   */
  private exchange(digest: string): Promise<(() => Promise<void>) | undefined> {
    const { userDir, sets, log } = this.options;
    return this.options.npm.exclusively(async (npm) => {
      if (!this.lacks(digest)) return undefined;
      const wanted = await sets.read(digest);
      const before = this.remembered();
      const from = nodeModulesOf(userDir);
      putAside(userDir);
      try {
        await npm.installSet(wanted, userDir);
        await this.load(from);
      } catch (error) {
        await this.putBack(before);
        throw error;
      }
      this.remember(digest);
      log.info("the packages were changed", {
        digest,
        modules: Object.keys(dependenciesOf(wanted)),
      });
      return () => this.options.npm.exclusively(() => this.putBack(before));
    });
  }

  private async putBack(digest: string): Promise<void> {
    const { userDir } = this.options;
    const from = nodeModulesOf(userDir);
    takeBack(userDir);
    this.remember(digest);
    await this.load(from);
  }

  /** Unloads the modules that the folder had and has no more, loads those that came. */
  private async load(from: ReadonlyMap<string, string>): Promise<void> {
    const { userDir, log } = this.options;
    const to = nodeModulesOf(userDir);
    for (const name of from.keys()) if (!to.has(name)) unloadModule(name);
    for (const problem of await loadModules(to.keys())) {
      log.warn("a module was not loaded", { problem });
    }
  }

  /** Makes a revision for packages that no revision names yet. */
  async settle(stored: string): Promise<void> {
    if (digestOf(readSet(this.options.userDir)) !== stored) await this.options.onChange();
  }

  /**
   * A folder that is new, or that is as it was when the platform went on without it
   * (a restored volume), gets the set that the stored revision names. A folder that changed wins.
   */
  private async restore(stored: string, npm: NpmCalls): Promise<void> {
    const { userDir, sets, log } = this.options;
    const here = digestOf(readSet(userDir));
    if (
      !namesSet(stored) ||
      (here === stored && existsSync(join(userDir, "node_modules", ".package-lock.json")))
    )
      return;
    if (here !== stored && here !== this.remembered()) return;
    const set = await sets.read(stored);
    await npm.installSet(set, userDir);
    const modules = Object.keys(dependenciesOf(set));
    log.info("the packages of the stored revision were installed", { modules });
  }

  /** The digest that this folder and the flow store had in common last. */
  private remembered(): string {
    return existsSync(this.mark) ? readFileSync(this.mark, "utf8") : NO_PACKAGES;
  }

  private remember(digest: string): void {
    if (this.remembered() !== digest) writeFileSync(this.mark, digest);
  }

  private get mark(): string {
    return join(this.options.userDir, ".redfleet-packages");
  }
}
