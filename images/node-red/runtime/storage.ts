/**
 * Node-RED's storage module over the flow store. A plain object: Node-RED looks for settings and
 * sessions with `hasOwnProperty`, so methods of a class would not be seen.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { StoredDocument } from "./documents.ts";
import { resetCredentials } from "./internals.ts";
import { type Logger, reasonOf } from "./log.ts";
import type { FlowNode } from "./node-red.ts";
import { type FlowSet, type FlowStore, type NewFlowSet, RevisionConflict } from "./store/types.ts";

/** The version of the flow set that this process runs, or is about to. */
export interface Current {
  revision: number;
  credentials: string;
  /** Mark of the write: a store that lost its newest revision may give the same number again. */
  writeId: string;
}

export interface StorageOptions {
  store: FlowStore;
  log: Logger;
  /** Digest of the package set, kept with each revision. */
  digest(): Promise<string>;
  /** Asked before flows are saved. @throws with the reason why they could not run. */
  check(flows: FlowNode[]): Promise<void>;
  /** Replicas read; they write neither flows nor settings, sessions or library. */
  readOnly: boolean;
  settings: StoredDocument;
  sessions: StoredDocument;
  /** What Node-RED starts with. */
  initial: Pick<FlowSet, "revision" | "flows" | "credentials" | "writeId">;
  /** Awaited between a save and the restart of nodes that it causes. */
  beforeRestart(): Promise<void>;
  onSaved(set: FlowSet): void;
  /** The flows stand under a new revision, and go on as they are. */
  onRestamped(set: FlowSet): void;
}

/**
 * Set while the runtime itself applies a stored revision, whose save must not be stored again.
 * A box that is emptied after: timers of the started nodes keep the box for as long as they live.
 */
export const applying = new AsyncLocalStorage<{ set: FlowSet | undefined }>();

/** An error that Node-RED's admin API passes on as an HTTP answer. */
class SaveRefused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Flows that would not start; nothing was saved. */
export class CannotRun extends Error {}

function refusal(error: unknown): SaveRefused {
  if (error instanceof RevisionConflict) {
    // The editor answers this code with its dialog to review and merge.
    return new SaveRefused(
      409,
      "version_mismatch",
      `The flows were changed elsewhere: ${error.message}`,
    );
  }
  if (error instanceof CannotRun) return new SaveRefused(400, "cannot_run", error.message);
  const message =
    `The flow store did not confirm the change: ${reasonOf(error)}. Nothing was deployed. ` +
    "Should the store have taken it all the same, it is applied as soon as the store answers.";
  return new SaveRefused(503, "flow_store_unavailable", message);
}

/** What a store without flows is worth. */
export const EMPTY = { revision: 0, flows: "[]", credentials: "{}", writeId: "" };

const versionOf = ({ revision, credentials, writeId }: Current): Current => ({
  revision,
  credentials,
  writeId,
});

/** Builds the module, and the handle that the reload uses. */
export function createStorage(options: StorageOptions) {
  const { store, readOnly, initial, settings, sessions, log } = options;
  const current = versionOf(initial);
  let startFlows: string | undefined = initial.flows;
  let pendingCredentials: string | undefined;
  const ownWrites = new Set<string>();

  let turn: Promise<unknown> = Promise.resolve();

  /** One write at a time: each is made on the revision of the one before. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = turn.then(work);
    turn = next.catch(() => undefined);
    return next;
  }

  async function commit(
    next: Pick<NewFlowSet, "flows" | "credentials" | "user">,
  ): Promise<FlowSet> {
    const writeId = randomUUID();
    ownWrites.add(writeId);
    try {
      const digest = await options.digest();
      const set = await store.commit(current.revision, { ...next, digest, writeId });
      Object.assign(current, versionOf(set));
      return set;
    } catch (error) {
      ownWrites.delete(writeId);
      throw error;
    }
  }

  async function save(flows: FlowNode[], user: string | null): Promise<void> {
    const credentials = pendingCredentials ?? current.credentials;
    pendingCredentials = undefined;
    try {
      await options.check(flows);
      options.onSaved(await commit({ flows: JSON.stringify(flows), credentials, user }));
    } catch (error) {
      log.error("a deploy was refused", { reason: reasonOf(error) });
      await resetCredentials(JSON.parse(current.credentials) as object);
      throw refusal(error);
    }
  }

  /** The stored flows once more, when the packages that they go with have changed. */
  async function restamp(): Promise<void> {
    const set = await store.read();
    // Somebody else's revision is on its way to here; the next save names the packages.
    if ((set?.revision ?? 0) !== current.revision) return;
    const { flows, credentials } = set ?? EMPTY;
    if ((await options.digest()) === (set?.digest ?? "")) return;
    options.onRestamped(await commit({ flows, credentials, user: null }));
  }

  /** The save that Node-RED makes when the runtime applies a revision that came from the store. */
  function adopt(set: FlowSet, flows: FlowNode[]): void {
    pendingCredentials = undefined;
    // The marks of changed credentials have done their work; what stays is served to the editor.
    for (const node of flows) if (node.credentials) delete node.credentials;
    Object.assign(current, versionOf(set));
  }

  /** The admin API's deploy type "reload". */
  async function reread(): Promise<string> {
    const set = await store.read();
    if (set === null) return "[]";
    Object.assign(current, versionOf(set));
    return set.flows;
  }

  const module = {
    init: async () => {},
    getFlows: async () => {
      const text = startFlows ?? (await reread());
      startFlows = undefined;
      return JSON.parse(text) as FlowNode[];
    },
    saveFlows: async (flows: FlowNode[], user?: { username?: string } | null) => {
      const set = applying.getStore()?.set;
      if (set) adopt(set, flows);
      else if (readOnly) throw new Error("a replica does not save flows");
      else await inTurn(() => save(flows, user?.username ?? null));
      await options.beforeRestart();
    },
    getCredentials: async () => JSON.parse(current.credentials) as object,
    saveCredentials: async (credentials: object) => {
      pendingCredentials = JSON.stringify(credentials);
    },
    getSettings: async () => settings.read(),
    saveSettings: async (value: object) => settings.write(value),
    getSessions: async () => sessions.read(),
    saveSessions: async (value: object) => sessions.write(value),
    getLibraryEntry: (type: string, path: string) => store.readLibrary(type, path),
    saveLibraryEntry: async (type: string, path: string, meta: object, body: string) => {
      if (!readOnly) await store.writeLibrary(type, path, meta, body);
    },
  };

  return {
    module,
    current,
    restamp: () => inTurn(restamp),
    isOwnWrite: (set: FlowSet) => ownWrites.has(set.writeId),
  };
}

export type Storage = ReturnType<typeof createStorage>;
