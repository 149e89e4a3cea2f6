/** The version of the flow set that this process runs, and its way into the flow store. */
import { randomUUID } from "node:crypto";
import { resetCredentials } from "./internals.ts";
import { type Logger, reasonOf } from "./log.ts";
import type { FlowNode } from "./node-red.ts";
import { FlowSetTooLarge } from "./store/packing.ts";
import { type FlowSet, type FlowStore, type NewFlowSet, RevisionConflict } from "./store/types.ts";

/** The version of the flow set that this process runs, or is about to. */
export interface Current {
  revision: number;
  credentials: string;
  /** Mark of the write: a store that lost its newest revision may give the same number again. */
  writeId: string;
  at: Date;
}

export interface SavesOptions {
  store: FlowStore;
  log: Logger;
  /** Digest of the package set, kept with each revision. */
  digest(): Promise<string>;
  /** Asked before flows are saved. @throws with the reason why they could not run. */
  check(flows: FlowNode[]): Promise<void>;
  /** What Node-RED starts with. */
  initial: Current & Pick<FlowSet, "flows">;
  onSaved(set: FlowSet): void;
  /** The flows stand under a new revision, and go on as they are. */
  onRestamped(set: FlowSet): void;
  /** The store had lost revision `lost`; what runs here stands in it again, as `set`. */
  onRecovered(lost: number, set: FlowSet): void;
}

/** What a store without flows is worth. */
export const EMPTY = { revision: 0, flows: "[]", credentials: "{}", writeId: "", at: new Date(0) };

/** Flows that would not start; nothing was saved. */
export class CannotRun extends Error {}

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
  if (error instanceof FlowSetTooLarge) return new SaveRefused(413, "too_large", error.message);
  const message =
    `The flow store did not confirm the change: ${reasonOf(error)}. Nothing was deployed. ` +
    "Should the store have taken it all the same, it is applied as soon as the store answers.";
  return new SaveRefused(503, "flow_store_unavailable", message);
}

const versionOf = ({ revision, credentials, writeId, at }: Current): Current => ({
  ...{ revision, credentials, writeId, at },
});

/** What tells two versions of the flows apart. */
type Version = Pick<FlowSet, "revision" | "writeId" | "at">;

/**
 * True for a version that came after the known one. By its number; and by its time, because a store that
 * lost its newest revisions (a failover, a backup that was restored) counts on from what it has left.
 */
export function replaces(set: Version, known: Version): boolean {
  if (set.revision > known.revision) return true;
  if (set.revision < known.revision) return set.at > known.at;
  return set.writeId !== known.writeId;
}

/** What one process saves, and which revision it is at. */
export class Saves {
  readonly current: Current;
  private readonly options: SavesOptions;
  private readonly ownWrites = new Set<string>();
  private pendingCredentials: string | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private recovering: Promise<void> | undefined;

  constructor(options: SavesOptions) {
    this.options = options;
    this.current = versionOf(options.initial);
  }

  /** True for what this process saved itself, or tries to. */
  isOwnWrite({ writeId }: FlowSet): boolean {
    return this.ownWrites.has(writeId);
  }

  /** Node-RED hands credentials over before the flows that they belong to. */
  takeCredentials(credentials: object): void {
    this.pendingCredentials = JSON.stringify(credentials);
  }

  /** Stores flows as the next revision. @throws an answer for the admin API; nothing has changed then. */
  save(flows: FlowNode[], user: string | null): Promise<void> {
    return this.inTurn(() => this.saveNow(flows, user));
  }

  /** The stored flows once more, when the packages that they go with have changed. */
  restamp(): Promise<void> {
    return this.inTurn(() => this.restampNow());
  }

  /** True for a version from before the one that runs here: an old answer, or all that the store has left. */
  isOutdated(set: FlowSet): boolean {
    return set.revision < this.current.revision && !replaces(set, this.current);
  }

  /**
   * Stores what runs here once more if the store has lost it.
   * @param running the flows that run here.
   */
  recover(running: () => Promise<FlowNode[]>): Promise<void> {
    this.recovering ??= this.inTurn(() => this.recoverNow(running)).finally(() => {
      this.recovering = undefined;
    });
    return this.recovering;
  }

  /** The save that Node-RED makes when the runtime applies a revision that came from the store. */
  adopt(set: FlowSet, flows: FlowNode[]): void {
    this.pendingCredentials = undefined;
    // The marks of changed credentials have done their work; what stays is served to the editor.
    for (const node of flows) if (node.credentials) delete node.credentials;
    Object.assign(this.current, versionOf(set));
  }

  /** The stored flows, which this process is about to run. */
  async reread(): Promise<string> {
    const set = await this.options.store.read();
    if (set === null) return "[]";
    Object.assign(this.current, versionOf(set));
    return set.flows;
  }

  /** One write at a time: each is made on the revision of the one before. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.turn.then(work);
    this.turn = next.catch(() => undefined);
    return next;
  }

  private async saveNow(flows: FlowNode[], user: string | null): Promise<void> {
    const { log, check, onSaved } = this.options;
    const credentials = this.pendingCredentials ?? this.current.credentials;
    this.pendingCredentials = undefined;
    try {
      await check(flows);
      onSaved(await this.commit({ flows: JSON.stringify(flows), credentials, user }));
    } catch (error) {
      log.error("a deploy was refused", { reason: reasonOf(error) });
      await resetCredentials(JSON.parse(this.current.credentials) as object);
      throw refusal(error);
    }
  }

  private async restampNow(): Promise<void> {
    const { store, digest, onRestamped } = this.options;
    const set = await store.read();
    // Somebody else's revision is on its way to here; the next save names the packages.
    if ((set?.revision ?? 0) !== this.current.revision) return;
    const { flows, credentials } = set ?? EMPTY;
    if ((await digest()) === (set?.digest ?? "")) return;
    onRestamped(await this.commit({ flows, credentials, user: null }));
  }

  private async recoverNow(running: () => Promise<FlowNode[]>): Promise<void> {
    const { store, onRestamped } = this.options;
    const stored = await store.read();
    if (stored === null || !this.isOutdated(stored)) return;
    const flows = JSON.stringify(await running());
    const { credentials } = this.current;
    onRestamped(await this.commit({ flows, credentials, user: null }));
  }

  private async commit(next: Pick<NewFlowSet, "flows" | "credentials" | "user">): Promise<FlowSet> {
    const writeId = randomUUID();
    this.ownWrites.add(writeId);
    try {
      const digest = await this.options.digest();
      const set = await this.store({ ...next, digest, writeId });
      Object.assign(this.current, versionOf(set));
      return set;
    } catch (error) {
      this.ownWrites.delete(writeId);
      throw error;
    }
  }

  /** On the revision that runs here; where the store has lost that one, on what it has left. */
  private async store(next: NewFlowSet): Promise<FlowSet> {
    const { store, onRecovered } = this.options;
    const { revision } = this.current;
    try {
      return await store.commit(revision, next);
    } catch (error) {
      if (!(error instanceof RevisionConflict) || error.current >= revision) throw error;
      const left = await store.read();
      // Somebody else has saved since then.
      if (left && replaces(left, this.current)) throw error;
      const set = await store.commit(left?.revision ?? 0, next);
      onRecovered(revision, set);
      return set;
    }
  }
}
