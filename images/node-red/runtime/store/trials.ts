/** The part of the flow store port that keeps what a revision did to those who applied it first. */

/** What tells one save from all others. */
export interface Version {
  revision: number;
  /** Random mark of the write. */
  writeId: string;
}

/** How far a revision has come: one worker tries it before all others do. */
export interface Trial extends Version {
  /** `applied`: it did its first worker no harm. `held`: it ended a process, nobody applies it. */
  state: "trying" | "applied" | "held";
  /** Who tries it, or whose process it ended last; empty when nobody has tried it yet. */
  worker: string;
  /** Trials that ended in the end of a process. */
  failures: number;
}

/** Trials of revisions. They cost a deploy little, and a failover of the store may lose the newest word. */
export interface Trials {
  /**
   * Takes the trial of a revision that nobody tries now, or that was held long enough, or keeps it.
   * @param leaseMs somebody else may take it after that, by the store's own clock.
   * @returns what is known now: `trying` with `worker` itself when it was taken.
   */
  take(version: Version, worker: string, leaseMs: number): Promise<Trial>;
  /**
   * Ends a worker's own trial: the revision was applied, or could not be applied here and somebody else may try.
   * Nothing for a worker that does not have it.
   */
  end(version: Version, worker: string, applied: boolean): Promise<void>;
  /**
   * A worker's process ended while it applied a revision, or right after. The revision is held when that was its
   * trial, or when it was applied and this is the second worker that ends by it.
   * @param pausesMs time until it may be tried again, after the first, the second … failure; then never.
   */
  fail(version: Version, worker: string, pausesMs: readonly number[]): Promise<Trial>;
  /** What is known, in no order; at least of the revisions that the history keeps. */
  list(): Promise<Trial[]>;
}
