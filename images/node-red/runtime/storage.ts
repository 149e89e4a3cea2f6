/**
 * Node-RED's storage module over the flow store. A plain object: Node-RED looks for settings and
 * sessions with `hasOwnProperty`, so methods of a class would not be seen.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { StoredDocument } from "./documents.ts";
import type { FlowNode } from "./node-red.ts";
import { Saves, type SavesOptions } from "./saves.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

export interface StorageOptions extends SavesOptions {
  /** Replicas read; they write neither flows nor settings, sessions or library. */
  readOnly: boolean;
  settings: StoredDocument;
  sessions: StoredDocument;
  /** Awaited with flows that were read, before Node-RED parses them. */
  beforeLoad(flows: FlowNode[]): Promise<void>;
  /** Awaited between a save and the restart of nodes that it causes. */
  beforeRestart(): Promise<void>;
}

/**
 * Set while the runtime itself applies a stored revision, whose save must not be stored again.
 * A box that is emptied after: timers of the started nodes keep the box for as long as they live.
 */
export const applying = new AsyncLocalStorage<{ set: FlowSet | undefined }>();

/** Flows and credentials. */
function flowsOf({ readOnly, initial, beforeLoad, beforeRestart }: StorageOptions, saves: Saves) {
  let startFlows: string | undefined = initial.flows;
  return {
    getFlows: async () => {
      const text = startFlows ?? (await saves.reread());
      startFlows = undefined;
      const flows = JSON.parse(text) as FlowNode[];
      await beforeLoad(flows);
      return flows;
    },
    saveFlows: async (flows: FlowNode[], user?: { username?: string } | null) => {
      const set = applying.getStore()?.set;
      if (set) saves.adopt(set, flows);
      else if (readOnly) throw new Error("a replica does not save flows");
      else await saves.save(flows, user?.username ?? null);
      await beforeRestart();
    },
    getCredentials: async () => JSON.parse(saves.current.credentials) as object,
    saveCredentials: async (credentials: object) => saves.takeCredentials(credentials),
  };
}

/** Settings and sessions. */
function documentsOf({ settings, sessions }: StorageOptions) {
  return {
    getSettings: async () => settings.read(),
    saveSettings: async (value: object) => settings.write(value),
    getSessions: async () => sessions.read(),
    saveSessions: async (value: object) => sessions.write(value),
  };
}

function libraryOf(store: FlowStore, readOnly: boolean) {
  return {
    getLibraryEntry: (type: string, path: string) => store.readLibrary(type, path),
    saveLibraryEntry: async (type: string, path: string, meta: object, body: string) => {
      if (!readOnly) await store.writeLibrary(type, path, meta, body);
    },
  };
}

/** Builds the module, and the handle that the reload uses. */
export function createStorage(options: StorageOptions) {
  const saves = new Saves(options);
  const module = {
    init: async () => {},
    ...flowsOf(options, saves),
    ...documentsOf(options),
    ...libraryOf(options.store, options.readOnly),
  };
  return { module, saves };
}
