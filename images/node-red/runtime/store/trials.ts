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
  /** Who tried it last, or tries it now; empty when that is nobody. */
  worker: string;
  /** Processes that it has ended since it was applied last. With any, it is tried with more care. */
  failures: number;
}

/** Trials of revisions. They cost a deploy little: a failover of the store may lose all but what `end` says. */
export interface Trials {
  /**
   * Takes the trial of a revision that nobody tries now, or that was held long enough.
   * @param leaseMs somebody else may take it after that, by the store's own clock.
   * @returns what is known now: `trying` with `worker` itself when it has it.
   */
  take(version: Version, worker: string, leaseMs: number): Promise<Trial>;
  /**
   * Ends a worker's own trial: the revision was applied, or was not and somebody else may try.
   * Nothing for a worker that does not have it. Others see it at once; it resolves when no failover loses it.
   */
  end(version: Version, worker: string, applied: boolean): Promise<void>;
  /**
   * A worker's process ended while it applied a revision, or right after. When that was its trial, it keeps it for
   * once more; when the record counted a failure before, the revision is held. When nobody tries it, it is tried anew
   * before anybody applies it.
   * @param timesMs nobody else may take the trial for this time after the first, the second … failure: the worker keeps
   * it for the first one, the revision is held from the second one on; the last time counts for all more.
   */
  fail(version: Version, worker: string, timesMs: readonly [number, ...number[]]): Promise<Trial>;
  /** What is known, in no order; at least of the revisions that the history keeps. */
  list(): Promise<Trial[]>;
}

/** Those in one state, by the marks of their writes. */
export async function trialsIn(
  state: Trial["state"],
  trials: Trials,
): Promise<ReadonlyMap<string, Trial>> {
  const found = (await trials.list()).filter((trial) => trial.state === state);
  return new Map(found.map((trial) => [trial.writeId, trial]));
}
