/** Leaders: of all workers of a cluster, one at a time does what must be done once. */

/** What a worker is for a lock. */
export type LeaderState =
  /** Leads; `fence` is higher than that of every leader before it. */
  | { readonly leads: true; readonly fence: number; readonly leader: string }
  /** `leader` does, as far as this worker knows, or nobody; `problem` says why this worker cannot. */
  | { readonly leads: false; readonly leader?: string; readonly problem?: string };

/** What became of a wish to hand a lock over. */
export interface Handover {
  /** This worker led, and has given the lock back. */
  readonly released: boolean;
  /** The worker that has the lock all the same; none where nobody has it. */
  readonly leader?: string;
}

/** A worker's part in the election for one lock. Nodes with the same lock share it. */
export interface Candidacy {
  /** What the worker is at this moment, by the clock: asked for each message. */
  readonly state: LeaderState;
  /** @param gone the node was removed; else it was only changed, and its successor goes on leading. */
  leave(gone: boolean): Promise<void>;
}

/** The elections that a worker takes part in. */
export interface Leaders {
  /** The name of this worker: by it leaders are known to others. */
  readonly worker: string;
  /**
   * Joins the election for a lock.
   * @param ttlMs longest silence of a leader, in milliseconds.
   * @param onChange called when {@link Candidacy.state} has changed.
   */
  join(lock: string, ttlMs: number, onChange: () => void): Candidacy;
  /**
   * Frees a lock if this worker holds it, and tries for it again when the others have had their chance.
   * @throws when the store does not answer; this worker leads no more all the same.
   */
  handOver(lock: string): Promise<Handover>;
  /** Clean exit: hands over every lock at once. */
  close(): Promise<void>;
}

/** The next fencing number of a lock. Never goes backwards, whichever store fails over. */
export type NextFence = (lock: string) => Promise<number>;
