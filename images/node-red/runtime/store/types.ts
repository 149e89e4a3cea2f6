/** The flow store port: what the runtime needs from a back end. */
import type { Trials } from "./trials.ts";

/** One saved version of a flow set. */
export interface FlowSet {
  /** 1, 2, 3 … without gaps. */
  revision: number;
  /** JSON array of nodes exactly as Node-RED wrote it: its hash depends on the order of keys. */
  flows: string;
  /** JSON object of the encrypted credentials. */
  credentials: string;
  /** Who saved it; null when login is off or the platform itself did. */
  user: string | null;
  at: Date;
  /** Digest of the package set that the flows need; empty when the image's packages suffice. */
  digest: string;
  /** Random mark of the write, which tells one's own writes from those of others. */
  writeId: string;
}

/** What a save provides; the store adds revision and time. */
export type NewFlowSet = Omit<FlowSet, "revision" | "at">;

/** An old revision without its content. */
export type Revision = Omit<FlowSet, "flows" | "credentials">;

/** Somebody else saved since the revision that the writer had seen. */
export class RevisionConflict extends Error {
  readonly expected: number;
  readonly current: number;
  constructor(expected: number, current: number) {
    super(`revision ${current} is stored, the change was made on revision ${expected}`);
    this.name = "RevisionConflict";
    this.expected = expected;
    this.current = current;
  }
}

export type UserRole = "admin" | "write" | "read";

export interface StoredUser {
  username: string;
  passwordHash: string;
  role: UserRole;
  /** Hash of the password that the stack gave last: what a person changed since is not undone. */
  provisionedHash?: string;
  /** Logins before this moment (ms since 1970) are over: role or password were others then. */
  loginsFrom?: number;
}

export type WorkerState = "starting" | "running" | "reloading" | "draining" | "error";

/** What a worker says about itself. */
export interface WorkerReport {
  worker: string;
  role: "editor" | "replica" | "instance";
  state: WorkerState;
  revision: number | null;
  /** Why the newest revision does not run here. */
  error?: string;
}

export interface WorkerRecord extends WorkerReport {
  /** By the store's own clock. */
  lastSeen: Date;
  /** Has not reported for 30 s, by that clock. */
  silent: boolean;
}

/** An entry of the library: a folder name, or a file with its metadata. */
export type LibraryEntry = string | ({ fn: string } & Record<string, unknown>);

/** What the watcher tells. */
export interface WatchListener {
  /** A flow set was seen; it may be one that is known already. */
  onFlowSet(set: FlowSet): void;
  /** A worker's record changed. Only asked for by editors. */
  onWorker?(): void;
  /** What brings the news is lost, told once until it is back; what is stored is read anew then. */
  onBreak?(): void;
}

/** Documents that belong to one writer. */
export type DocumentName = "settings" | "sessions" | "packages";

/** Where flows and what belongs to them live. */
export interface FlowStore {
  /** Waits for the store, for ever; says so in the log. */
  connect(signal: AbortSignal): Promise<void>;
  read(): Promise<FlowSet | null>;
  /** Stores `next` as revision `expected + 1`, or throws {@link RevisionConflict}. */
  commit(expected: number, next: NewFlowSet): Promise<FlowSet>;
  /** Old revisions, newest first, without their content. */
  history(): Promise<Revision[]>;
  readRevision(revision: number): Promise<FlowSet | null>;
  watch(listener: WatchListener): void;
  /** `undefined` when there is none, or none any more. */
  readDocument(name: DocumentName): Promise<unknown>;
  /** @param until the document is gone from then on; without it, it stays. */
  writeDocument(name: DocumentName, value: unknown, until?: Date): Promise<void>;
  readLibrary(type: string, path: string): Promise<string | LibraryEntry[]>;
  writeLibrary(type: string, path: string, meta: object, body: string): Promise<void>;
  findUser(username: string): Promise<StoredUser | null>;
  writeUser(user: StoredUser): Promise<void>;
  /** Nothing for a user that is not there. */
  removeUser(username: string): Promise<void>;
  /** All users, in no order. */
  users(): Promise<StoredUser[]>;
  reportWorker(report: WorkerReport): Promise<void>;
  removeWorker(worker: string): Promise<void>;
  /**
   * Takes the turn to restart everything, or keeps it; one worker has it at a time.
   * @param ttlMs it ends by itself after that, by the store's own clock.
   * @returns who has it now: `worker` itself when it was taken.
   */
  takeTurn(worker: string, ttlMs: number): Promise<string>;
  /** Hands the turn on; nothing for a worker that does not have it. */
  endTurn(worker: string): Promise<void>;
  /** Workers that reported within the last ten minutes. One that leaves in order is gone at once. */
  workers(): Promise<WorkerRecord[]>;
  readonly trials: Trials;
  /** The next number of a counter: higher than all before, also after a failover. */
  nextFence(name: string): Promise<number>;
  close(): Promise<void>;
}
