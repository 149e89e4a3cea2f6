/** The flow store on a MongoDB replica set. */
import { Binary, type Collection, type Db, type Document, MongoClient } from "mongodb";
import { type Logger, reasonOf } from "../log.ts";
import { persist } from "../retry.ts";
import { isDuplicateKey, isNamespaceTaken } from "./mongodb-errors.ts";
import { nextFence } from "./mongodb-fences.ts";
import { readLibrary, writeLibrary } from "./mongodb-library.ts";
import { MongodbTrials } from "./mongodb-trials.ts";
import { endTurn, takeTurn } from "./mongodb-turns.ts";
import { type Watcher, watchDatabase } from "./mongodb-watch.ts";
import { listWorkers, prepareWorkers, removeWorker, reportWorker } from "./mongodb-workers.ts";
import { packFlowSet, unpack } from "./packing.ts";
import {
  type DocumentName,
  type FlowSet,
  type FlowStore,
  type NewFlowSet,
  type Revision,
  RevisionConflict,
  type StoredUser,
  type WatchListener,
  type WorkerReport,
} from "./types.ts";

/** A flow set as the collections `flows` and `history` keep it: long texts are compressed. */
interface StoredFlowSet extends Omit<FlowSet, "flows" | "credentials"> {
  flows: string | Binary;
  credentials: string | Binary;
}

/** The one document of the collection `flows`. */
type FlowDocument = StoredFlowSet & { _id: "current" };
/** `_id` is the revision. */
type HistoryDocument = StoredFlowSet & { _id: number };

export interface MongodbOptions {
  uri: string;
  database: string;
  appName: string;
  /** Seconds between two looks at the stored revision. */
  pollSeconds: number;
  /** Old revisions to keep. */
  history: number;
  log: Logger;
}

async function toFlowSet({ _id, ...set }: FlowDocument | HistoryDocument): Promise<FlowSet> {
  const [flows, credentials] = await Promise.all(
    [set.flows, set.credentials].map((packed) =>
      unpack(typeof packed === "string" ? packed : packed.buffer),
    ),
  );
  return { ...set, flows: flows as string, credentials: credentials as string };
}

/** @throws before anything is written, when the flow set is too large. */
async function toStored(set: FlowSet): Promise<StoredFlowSet> {
  const { flows, credentials } = await packFlowSet(set);
  const binary = (packed: string | Buffer) =>
    typeof packed === "string" ? packed : new Binary(packed);
  return { ...set, flows: binary(flows), credentials: binary(credentials) };
}

type UserDocument = { _id: string } & Omit<StoredUser, "username">;

const userOf = ({ _id, ...user }: UserDocument): StoredUser => ({ username: _id, ...user });

/**
 * For reads that follow a write: while a driver knows of no primary, and under load it may believe so, the others
 * may not have it yet. Elsewhere an answer of one that lags is better than none.
 */
const PRIMARY = { readPreference: "primary" } as const;

/** Flows, history, documents, library, users and workers in one database. */
export class MongodbFlowStore implements FlowStore {
  private readonly options: MongodbOptions;
  private readonly client: MongoClient;
  private readonly db: Db;
  private readonly flows: Collection<FlowDocument>;
  readonly trials: MongodbTrials;
  private readonly background = new Set<Promise<unknown>>();
  private watcher: Watcher | undefined;
  /** Newest revision that is known to be in the history. */
  private kept = 0;
  private historyMade: Promise<void> | undefined;

  constructor(options: MongodbOptions) {
    this.options = options;
    this.client = new MongoClient(options.uri, {
      appName: options.appName,
      connectTimeoutMS: 2000,
      // A paused member neither answers nor closes: a call that hangs is tried again elsewhere.
      socketTimeoutMS: 5000,
      serverSelectionTimeoutMS: 5000,
      heartbeatFrequencyMS: 2000,
      maxPoolSize: 8,
      retryWrites: true,
      writeConcern: { w: "majority" },
      readConcern: { level: "majority" },
      readPreference: "primaryPreferred",
    });
    this.db = this.client.db(options.database);
    this.flows = this.db.collection<FlowDocument>("flows");
    this.trials = new MongodbTrials(this.db, options.history);
  }

  async connect(signal: AbortSignal): Promise<void> {
    const answers = async () => {
      await this.client.connect();
      await this.db.command({ ping: 1 });
    };
    await persist("the flow store does not answer yet", answers, this.options.log, signal);
    this.inBackground(prepareWorkers(this.db), "the index of the worker registry was not made");
    const sweep = this.documents().createIndex({ until: 1 }, { expireAfterSeconds: 0 });
    this.inBackground(sweep, "the index of the documents was not made");
  }

  async read(): Promise<FlowSet | null> {
    const found = await this.flows.findOne({ _id: "current" });
    return found === null ? null : toFlowSet(found);
  }

  async commit(expected: number, next: NewFlowSet): Promise<FlowSet> {
    const set: FlowSet = { revision: expected + 1, at: new Date(), ...next };
    const stored = await toStored(set);
    // Whoever saved it may have ended before it was kept, and is about to be replaced.
    if (expected > 0 && this.kept !== expected) await this.keepHistory();
    try {
      await this.replace(expected, { _id: "current", ...stored });
    } catch (error) {
      await this.resolveDoubt(set, error);
    }
    this.inBackground(this.keepHistory(), "the revision was not added to the history");
    return set;
  }

  private async replace(expected: number, document: FlowDocument): Promise<void> {
    if (expected === 0) {
      await this.flows.insertOne(document);
      return;
    }
    const result = await this.flows.replaceOne({ _id: "current", revision: expected }, document);
    if (result.matchedCount === 0) throw new RevisionConflict(expected, 0);
  }

  /** A failed write may have been done all the same: the mark in the document tells. */
  private async resolveDoubt(set: FlowSet, error: unknown): Promise<void> {
    const projection = { revision: 1, writeId: 1 };
    const stored = await this.flows.findOne({ _id: "current" }, { projection, ...PRIMARY });
    if (stored?.writeId === set.writeId) return;
    if (isDuplicateKey(error) || error instanceof RevisionConflict) {
      throw new RevisionConflict(set.revision - 1, stored?.revision ?? 0);
    }
    throw error;
  }

  /** The server copies what is current into the history. */
  private async keepHistory(): Promise<void> {
    // A copy into a collection that somebody else is just making is refused.
    this.historyMade ??= this.makeHistory();
    await this.historyMade;
    const copy = [
      { $match: { _id: "current" } },
      { $set: { _id: "$revision" } },
      // A store that went back counts on: what is there under this number may be what it has lost.
      { $merge: { into: "history", on: "_id", whenMatched: "replace" } },
    ];
    await this.flows.aggregate(copy, PRIMARY).toArray();
    const last = { projection: { _id: 1 }, sort: { _id: -1 }, ...PRIMARY } as const;
    const newest = await this.old().findOne({}, last);
    this.kept = newest?._id ?? 0;
    await this.old().deleteMany({ _id: { $lte: this.kept - this.options.history } });
  }

  private async makeHistory(): Promise<void> {
    try {
      await this.db.createCollection("history");
    } catch (error) {
      if (isNamespaceTaken(error)) return;
      this.historyMade = undefined;
      throw error;
    }
  }

  private old(): Collection<HistoryDocument> {
    return this.db.collection("history");
  }

  async history(): Promise<Revision[]> {
    const projection = { revision: 1, user: 1, at: 1, digest: 1, writeId: 1 };
    const found = await this.old()
      .find({}, { projection, sort: { _id: -1 } })
      .toArray();
    return found.map(({ _id, ...revision }) => revision);
  }

  async readRevision(revision: number): Promise<FlowSet | null> {
    const found = await this.old().findOne({ _id: revision });
    return found === null ? null : toFlowSet(found);
  }

  watch(listener: WatchListener): void {
    const { pollSeconds, log } = this.options;
    const { db, client } = this;
    const read = () => this.read();
    const parse = (document: Document) => toFlowSet(document as FlowDocument);
    this.watcher = watchDatabase({ db, client, pollSeconds, log, listener, read, parse });
  }

  async readDocument(name: DocumentName): Promise<unknown> {
    const found = await this.documents().findOne({ _id: name });
    // The server's own sweep runs once a minute.
    const over = found?.until !== undefined && found.until.getTime() <= Date.now();
    return found === null || over ? undefined : JSON.parse(found.json);
  }

  async writeDocument(name: DocumentName, value: unknown, until?: Date): Promise<void> {
    const document = { json: JSON.stringify(value), ...(until && { until }) };
    await this.documents().replaceOne({ _id: name }, document, { upsert: true });
  }

  /** As text, because Node-RED's keys hold dots and dollar signs. */
  private documents(): Collection<{ _id: DocumentName; json: string; until?: Date }> {
    return this.db.collection("documents");
  }

  readLibrary(type: string, path: string) {
    return readLibrary(this.db, type, path);
  }

  writeLibrary(type: string, path: string, meta: object, body: string) {
    return writeLibrary(this.db, type, path, meta, body);
  }

  async findUser(username: string): Promise<StoredUser | null> {
    const found = await this.userCollection().findOne({ _id: username });
    return found && userOf(found);
  }

  async users(): Promise<StoredUser[]> {
    return this.userCollection().find({}, PRIMARY).map(userOf).toArray();
  }

  async writeUser({ username, ...user }: StoredUser): Promise<void> {
    await this.userCollection().replaceOne({ _id: username }, user, { upsert: true });
  }

  async removeUser(username: string): Promise<void> {
    await this.userCollection().deleteOne({ _id: username });
  }

  private userCollection(): Collection<UserDocument> {
    return this.db.collection("users");
  }

  reportWorker(report: WorkerReport): Promise<void> {
    return reportWorker(this.db, report);
  }

  removeWorker(worker: string): Promise<void> {
    return removeWorker(this.db, worker);
  }

  workers() {
    return listWorkers(this.db);
  }

  takeTurn(worker: string, ttlMs: number): Promise<string> {
    return takeTurn(this.db, worker, ttlMs);
  }

  endTurn(worker: string): Promise<void> {
    return endTurn(this.db, worker);
  }

  nextFence(name: string): Promise<number> {
    return nextFence(this.db, name);
  }

  private inBackground(work: Promise<unknown>, failure: string): void {
    const guarded = work.catch((error) =>
      this.options.log.warn(failure, { reason: reasonOf(error) }),
    );
    this.background.add(guarded);
    guarded.finally(() => this.background.delete(guarded));
  }

  async close(): Promise<void> {
    this.watcher?.stop();
    await Promise.all(this.background);
    await this.client.close();
  }
}
