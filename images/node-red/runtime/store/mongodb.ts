/** The flow store on a MongoDB replica set. */
import { type Collection, type Db, MongoClient, MongoServerError } from "mongodb";
import { type Logger, reasonOf } from "../log.ts";
import { persist } from "../retry.ts";
import { readLibrary, writeLibrary } from "./mongodb-library.ts";
import { endTurn, takeTurn } from "./mongodb-turns.ts";
import { type Watcher, watchDatabase } from "./mongodb-watch.ts";
import { listWorkers, prepareWorkers, removeWorker, reportWorker } from "./mongodb-workers.ts";
import {
  type DocumentName,
  type FlowSet,
  type FlowStore,
  type NewFlowSet,
  RevisionConflict,
  type StoredUser,
  type WatchListener,
  type WorkerReport,
} from "./types.ts";

/** The one document of the collection `flows`. */
export interface FlowDocument extends FlowSet {
  _id: "current";
}

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

const DUPLICATE_KEY = 11000;
/** No good write, and nothing that a flow set of usual size could not be told in. */
const MAX_FLOW_SET_BYTES = 15 * 1024 * 1024;

function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

function toFlowSet({ _id, ...set }: FlowDocument): FlowSet {
  return set;
}

/** Flows, history, documents, library, users and workers in one database. */
export class MongodbFlowStore implements FlowStore {
  private readonly options: MongodbOptions;
  private readonly client: MongoClient;
  private readonly db: Db;
  private readonly flows: Collection<FlowDocument>;
  private readonly background = new Set<Promise<unknown>>();
  private watcher: Watcher | undefined;

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
  }

  async connect(signal: AbortSignal): Promise<void> {
    const answers = async () => {
      await this.client.connect();
      await this.db.command({ ping: 1 });
    };
    await persist("the flow store does not answer yet", answers, this.options.log, signal);
    this.inBackground(prepareWorkers(this.db), "the index of the worker registry was not made");
  }

  async read(): Promise<FlowSet | null> {
    const found = await this.flows.findOne({ _id: "current" });
    return found === null ? null : toFlowSet(found);
  }

  async commit(expected: number, next: NewFlowSet): Promise<FlowSet> {
    checkSize(next);
    const document: FlowDocument = {
      _id: "current",
      revision: expected + 1,
      at: new Date(),
      ...next,
    };
    try {
      await this.replace(expected, document);
    } catch (error) {
      await this.resolveDoubt(document, error);
    }
    this.inBackground(this.keepHistory(document), "the revision was not added to the history");
    return toFlowSet(document);
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
  private async resolveDoubt(document: FlowDocument, error: unknown): Promise<void> {
    const stored = await this.read();
    if (stored?.writeId === document.writeId) return;
    if (isDuplicate(error) || error instanceof RevisionConflict) {
      throw new RevisionConflict(document.revision - 1, stored?.revision ?? 0);
    }
    throw error;
  }

  private async keepHistory(document: FlowDocument): Promise<void> {
    const history = this.db.collection<FlowSet & { _id: number }>("history");
    const entry = toFlowSet(document);
    await history.replaceOne({ _id: entry.revision }, entry, { upsert: true });
    await history.deleteMany({ _id: { $lte: entry.revision - this.options.history } });
  }

  async history() {
    const history = this.db.collection<FlowSet & { _id: number }>("history");
    const projection = { _id: 0, revision: 1, user: 1, at: 1, digest: 1 };
    return history.find({}, { projection, sort: { _id: -1 } }).toArray();
  }

  async readRevision(revision: number): Promise<FlowSet | null> {
    const history = this.db.collection<FlowSet & { _id: number }>("history");
    return history.findOne({ _id: revision }, { projection: { _id: 0 } });
  }

  watch(listener: WatchListener): void {
    const { pollSeconds, log } = this.options;
    const read = () => this.read();
    this.watcher = watchDatabase({
      db: this.db,
      client: this.client,
      pollSeconds,
      log,
      listener,
      read,
    });
  }

  async readDocument(name: DocumentName): Promise<unknown> {
    const found = await this.documents().findOne({ _id: name });
    return found === null ? undefined : JSON.parse(found.json);
  }

  async writeDocument(name: DocumentName, value: unknown): Promise<void> {
    const json = JSON.stringify(value);
    await this.documents().replaceOne({ _id: name }, { json }, { upsert: true });
  }

  /** As text, because Node-RED's keys hold dots and dollar signs. */
  private documents(): Collection<{ _id: DocumentName; json: string }> {
    return this.db.collection("documents");
  }

  readLibrary(type: string, path: string) {
    return readLibrary(this.db, type, path);
  }

  writeLibrary(type: string, path: string, meta: object, body: string) {
    return writeLibrary(this.db, type, path, meta, body);
  }

  async findUser(username: string): Promise<StoredUser | null> {
    const users = this.db.collection<{ _id: string } & Omit<StoredUser, "username">>("users");
    const found = await users.findOne({ _id: username });
    return found && { username, passwordHash: found.passwordHash, role: found.role };
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

function checkSize(next: NewFlowSet): void {
  const bytes = Buffer.byteLength(next.flows) + Buffer.byteLength(next.credentials);
  if (bytes <= MAX_FLOW_SET_BYTES) return;
  throw new Error(
    `the flows take ${bytes} bytes; the flow store holds at most ${MAX_FLOW_SET_BYTES}`,
  );
}
