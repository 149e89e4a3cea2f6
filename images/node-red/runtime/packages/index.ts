/** Packages beside those of the image: one side installs and stores them, the other one follows. */
import type { RuntimeConfig } from "../environment.ts";
import type { Logger } from "../log.ts";
import type { FlowSet, FlowStore, Revision } from "../store/types.ts";
import { EditorPackages } from "./editor.ts";
import { PackageFolders } from "./folders.ts";
import { typeRestarts } from "./modules.ts";
import { Npm } from "./npm.ts";
import { type PackageSwitch, ReplicaPackages } from "./replica.ts";
import { NO_PACKAGES, namesSet } from "./set.ts";
import { PackageSets } from "./sets.ts";

/** What the rest of the runtime knows of packages. */
export interface Packages extends PackageSwitch {
  /** Node-RED's folder. In replicas it changes with the packages. */
  readonly folder: string;
  /**
   * Before Node-RED starts. Returns what could not be installed, for people.
   * @param harmless replicas only: the newest revision that may be loaded without a trial.
   */
  begin(stored: FlowSet | null, harmless?: Revision): Promise<string | undefined>;
  /** After its start: goes on with what did not work before, until it does. */
  settle(stored: FlowSet | null, problem: string | undefined): Promise<void>;
  /** Digest that a save goes by; its set is stored. */
  digest(): Promise<string>;
}

export interface PackagesOptions {
  config: RuntimeConfig;
  store: FlowStore;
  log: Logger;
  /** Makes a revision of the flows that run, with the digest of now. */
  restamp(): Promise<void>;
}

/** Must be called before Node-RED is initialised. */
export function createPackages({ config, store, log, restamp }: PackagesOptions): Packages {
  const { userDir, role } = config;
  const { registry, scripts } = config.packages;
  const npm = new Npm({ ...registry, scripts, cache: `${userDir}/.npm`, log });
  const sets = new PackageSets(store);
  if (role === "replica") {
    const folders = new PackageFolders(userDir, npm);
    const { mark } = typeRestarts();
    const replica = new ReplicaPackages({ sets, folders, restart: mark, log });
    return {
      get folder() {
        return replica.folder;
      },
      begin: async (stored, harmless) => {
        replica.begin(harmless?.digest ?? NO_PACKAGES, stored?.digest ?? NO_PACKAGES);
        return undefined;
      },
      settle: async () => {},
      digest: async () => NO_PACKAGES,
      prepare: (set) => replica.prepare(set),
      change: (set, check) => replica.change(set, check),
    };
  }
  const { modules } = config.packages;
  const editor = new EditorPackages({ userDir, sets, npm, modules, onChange: restamp, log });
  const named = (stored: FlowSet | null) =>
    stored && namesSet(stored.digest) ? stored.digest : NO_PACKAGES;
  return {
    folder: userDir,
    begin: (stored) => {
      editor.takeOver();
      return editor.begin(named(stored));
    },
    settle: async (stored, problem) => {
      if (problem) await editor.retry(named(stored));
      await editor.settle(named(stored));
    },
    digest: () => editor.digest(),
    // npm works in the folder that is in use.
    prepare: async () => {},
    change: (set, check) => editor.change(set, check),
  };
}
