/** Trials of revisions: one document for each, with the server's own time. */
import type { Collection, Db, Document } from "mongodb";
import { upsert } from "./mongodb-upsert.ts";
import type { Trial, Trials, Version } from "./trials.ts";

/** Nobody takes the trial any more. */
const NEVER = new Date(Date.UTC(9999, 0));

/** `_id` is the mark of the write. */
interface TrialDocument extends Omit<Trial, "writeId"> {
  _id: string;
  /** From then on somebody may take the trial. */
  free: Date;
}

/** Deploys wait for it: the primary's word is enough, a failover costs another trial. `end` waits for a majority. */
const writeConcern = { w: 1 } as const;

const trialOf = ({ _id, revision, state, worker, failures }: TrialDocument): Trial => ({
  ...{ revision, writeId: _id, state, worker, failures },
});

/** What a document is that is not there yet. */
const fresh = ({ revision }: Version): Document => ({
  $set: {
    revision,
    state: { $ifNull: ["$state", "trying"] },
    worker: { $ifNull: ["$worker", ""] },
    free: { $ifNull: ["$free", "$$NOW"] },
    failures: { $ifNull: ["$failures", 0] },
  },
});

const isTrialOf = (worker: string): Document => ({
  $and: [{ $eq: ["$state", "trying"] }, { $eq: ["$worker", { $literal: worker }] }],
});

/** Nobody tries it, and nobody held it. */
const isLeft: Document = {
  $or: [{ $eq: ["$state", "applied"] }, { $eq: ["$worker", ""] }],
};

/** When somebody may take it. @param timesMs after the first, the second … failure; the last one for all more. */
const nextTrial = (timesMs: readonly number[]): Document => {
  const index = { $min: [{ $subtract: ["$failures", 1] }, timesMs.length - 1] };
  return { $add: ["$$NOW", { $arrayElemAt: [[...timesMs], index] }] };
};

/** After the failure of who has it. */
const heldOrAgain: Document = { $cond: [{ $gt: ["$failures", 1] }, "held", "trying"] };

/** Trials in the collection `trials`. */
export class MongodbTrials implements Trials {
  private readonly collection: Collection<TrialDocument>;
  private readonly history: number;

  /** @param history revisions whose trials are kept. */
  constructor(db: Db, history: number) {
    this.collection = db.collection("trials");
    this.history = history;
  }

  take(version: Version, worker: string, leaseMs: number): Promise<Trial> {
    const free = { $lte: ["$free", "$$NOW"] };
    const whenFree = (value: Document | string, otherwise: string) => ({
      $cond: [free, value, otherwise],
    });
    const taken = {
      state: whenFree("trying", "$state"),
      worker: whenFree({ $literal: worker }, "$worker"),
      free: whenFree({ $add: ["$$NOW", leaseMs] }, "$free"),
    };
    return this.change(version, [fresh(version), { $set: taken }]);
  }

  async end({ revision, writeId }: Version, worker: string, applied: boolean): Promise<void> {
    const after = applied
      ? { state: "applied" as const, free: NEVER, failures: 0 }
      : { worker: "", free: new Date(0) };
    const own = { _id: writeId, state: "trying" as const, worker };
    await this.collection.updateOne(own, { $set: after });
    if (!applied) return;
    await this.collection.deleteMany({ revision: { $lte: revision - this.history } });
  }

  fail(version: Version, worker: string, timesMs: readonly [number, ...number[]]): Promise<Trial> {
    const change = (own: unknown, left: unknown, otherwise: string) => ({
      $cond: ["$own", own, { $cond: ["$left", left, otherwise] }],
    });
    return this.change(version, [
      fresh(version),
      { $set: { own: isTrialOf(worker), left: isLeft } },
      {
        $set: {
          failures: change({ $add: ["$failures", 1] }, { $max: ["$failures", 1] }, "$failures"),
        },
      },
      {
        $set: {
          state: change(heldOrAgain, "trying", "$state"),
          worker: change("$worker", "", "$worker"),
          free: change(nextTrial(timesMs), new Date(0), "$free"),
        },
      },
      { $unset: ["own", "left"] },
    ]);
  }

  async list(): Promise<Trial[]> {
    // What no majority has yet counts as well.
    const found = this.collection.find({}, { readConcern: { level: "local" } });
    return (await found.toArray()).map(trialOf);
  }

  private async change(version: Version, stages: Document[]): Promise<Trial> {
    const { collection } = this;
    return trialOf(await upsert(collection, { _id: version.writeId }, stages, writeConcern));
  }
}
