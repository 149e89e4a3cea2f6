/** Trials of revisions: one document for each, with the server's own time. */
import { type Collection, type Db, type Document, MongoServerError } from "mongodb";
import type { Trial, Trials, Version } from "./trials.ts";

const DUPLICATE_KEY = 11000;
/** Nobody takes the trial any more. */
const NEVER = new Date(Date.UTC(9999, 0));

/** `_id` is the mark of the write. */
interface TrialDocument extends Omit<Trial, "writeId"> {
  _id: string;
  /** From then on somebody may take the trial. */
  free: Date;
  /** Workers whose processes it ended since it was applied last. */
  dead: string[];
}

/** Deploys wait for it: the primary's word is enough, a failover costs another trial. */
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
    dead: { $ifNull: ["$dead", []] },
  },
});

const isTrialOf = (worker: string): Document => ({
  $and: [{ $eq: ["$state", "trying"] }, { $eq: ["$worker", { $literal: worker }] }],
});

/** When a held revision may be tried again. */
const nextTrial = (pausesMs: readonly number[]): Document => ({
  $ifNull: [
    { $add: ["$$NOW", { $arrayElemAt: [[...pausesMs], { $subtract: ["$failures", 1] }] }] },
    NEVER,
  ],
});

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
    const free = { $or: [{ $lte: ["$free", "$$NOW"] }, isTrialOf(worker)] };
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
      ? { state: "applied" as const, free: NEVER, dead: [] }
      : { free: new Date(0) };
    const own = { _id: writeId, state: "trying" as const, worker };
    await this.collection.updateOne(own, { $set: after }, { writeConcern });
    if (!applied) return;
    const old = { revision: { $lte: revision - this.history } };
    await this.collection.deleteMany(old, { writeConcern });
  }

  fail(version: Version, worker: string, pausesMs: readonly number[]): Promise<Trial> {
    const second = { $and: [{ $eq: ["$state", "applied"] }, { $gte: [{ $size: "$dead" }, 2] }] };
    const whenFailed = (value: unknown, otherwise: unknown) => ({
      $cond: ["$failed", value, otherwise],
    });
    return this.change(version, [
      fresh(version),
      { $set: { dead: { $setUnion: ["$dead", [{ $literal: worker }]] } } },
      { $set: { failed: { $or: [isTrialOf(worker), second] } } },
      { $set: { failures: { $add: ["$failures", whenFailed(1, 0)] } } },
      {
        $set: {
          state: whenFailed("held", "$state"),
          worker: whenFailed({ $literal: worker }, "$worker"),
          free: whenFailed(nextTrial(pausesMs), "$free"),
        },
      },
      { $unset: "failed" },
    ]);
  }

  async list(): Promise<Trial[]> {
    // What no majority has yet counts as well.
    const found = this.collection.find({}, { readConcern: { level: "local" } });
    return (await found.toArray()).map(trialOf);
  }

  private async change(version: Version, stages: Document[]): Promise<Trial> {
    const make = () =>
      this.collection.findOneAndUpdate({ _id: version.writeId }, stages, {
        ...{ upsert: true, returnDocument: "after", writeConcern },
      });
    const found = await make().catch((error) => {
      // Two made the document at once: now it is there.
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return make();
      throw error;
    });
    if (found === null) throw new Error("no trial was made");
    return trialOf(found);
  }
}
