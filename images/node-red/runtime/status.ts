/** What this process is doing, in one place: read by health, metrics, registry and editor. */
import { EventEmitter } from "node:events";
import type { Role } from "./environment.ts";
import type { WorkerRecord, WorkerReport, WorkerState } from "./store/types.ts";

/** A replica as the editor shows it. */
export interface Replica extends Pick<WorkerRecord, "worker" | "state" | "revision" | "lastSeen"> {
  error?: string;
  /** Not heard of for 30 s: it counts, until it is forgotten, but it is not live. */
  silent?: true;
}

/** The JSON of /status. */
export interface StatusDocument {
  role: Role;
  name: string;
  worker: string;
  state: WorkerState;
  revision: number | null;
  error?: string;
  nodeRed: string;
  /** Editors only: the cluster's replicas as the flow store knows them. */
  replicas?: Replica[];
}

export interface Identity {
  role: Role;
  name: string;
  worker: string;
  nodeRed: string;
}

/** Says "change" when something of it changes. */
export class Status extends EventEmitter {
  state: WorkerState = "starting";
  /** Revision whose flows run. */
  revision: number | null = null;
  /** Why the newest revision does not run, or nothing does. */
  error: string | undefined;
  /** Serves requests: flows have started once. */
  serving = false;
  /** A restart of flows ended half-way: what runs is not known. */
  broken = false;
  /** A newer revision is not applied, because of what it did to another process. */
  held = false;
  replicas: WorkerRecord[] = [];
  /** What the flow store has told so far: flow sets, known ones too, and changes of workers; losses of what tells. */
  readonly told = { events: 0, breaks: 0 };
  readonly identity: Identity;

  constructor(identity: Identity) {
    super();
    this.identity = identity;
  }

  update(change: {
    state?: WorkerState;
    revision?: number | null;
    error?: string | undefined;
    broken?: boolean;
    held?: boolean;
  }): void {
    // Draining is final.
    if (this.state === "draining") return;
    Object.assign(this, change);
    this.emit("change");
  }

  /**
   * Wanted by the edge. A replica that cannot load a revision still serves the one before; one that failed in the
   * middle of it serves nothing that can be relied on. An editor stays, for whoever repairs its flows.
   */
  get ready(): boolean {
    const broken = this.broken && this.identity.role === "replica";
    return this.serving && !broken && this.state !== "draining";
  }

  report(): WorkerReport {
    const { worker, role } = this.identity;
    const { state, revision, error } = this;
    return { worker, role, state, revision, ...(error && { error }) };
  }

  document(): StatusDocument {
    const { role, name, worker, nodeRed } = this.identity;
    const { state, revision, error } = this;
    const document = { role, name, worker, state, revision, ...(error && { error }), nodeRed };
    if (role !== "editor") return document;
    const replicas = this.replicas.map((replica) => ({
      worker: replica.worker,
      state: replica.state,
      revision: replica.revision,
      lastSeen: replica.lastSeen,
      ...(replica.error && { error: replica.error }),
      ...(replica.silent && { silent: true as const }),
    }));
    return { ...document, replicas };
  }

  /** Replicas that run the newest revision and are heard of. */
  get live(): number {
    const { revision, replicas } = this;
    return replicas.filter((replica) => replica.revision === revision && !replica.silent).length;
  }
}
