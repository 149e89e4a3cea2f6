/**
 * Follows the stored revision. The change stream is a hint, the stored document is the truth:
 * it is read again whenever a stream opens, and every poll interval.
 *
 * The driver's change stream goes silent for ever when its member is killed (6.22 and 7.9: the
 * getMore fails, nothing is told), so each look at the stream has a deadline of its own.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type {
  ChangeStream,
  ChangeStreamDocument,
  Db,
  Document,
  MongoClient,
  ResumeToken,
} from "mongodb";
import { type Logger, reasonOf } from "../log.ts";
import type { FlowSet, WatchListener } from "./types.ts";

/** The server holds a look at the stream open for this long. */
const AWAIT_MS = 1000;
/** A look that takes longer than this is dead. */
const DEADLINE_MS = AWAIT_MS + 2000;
const RETRY_MS = 200;
/**
 * ChangeStreamHistoryLost, ChangeStreamFatalError, InvalidResumeToken, and an event too large for an
 * answer (BSONObjectTooLarge): the token leads nowhere.
 */
const DEAD_TOKEN_CODES = [286, 280, 260, 10334];

export interface WatchOptions {
  db: Db;
  client: MongoClient;
  pollSeconds: number;
  log: Logger;
  listener: WatchListener;
  read(): Promise<FlowSet | null>;
  /** The flow set that a stored document is. */
  parse(document: Document): Promise<FlowSet>;
}

/** A running watch. */
export interface Watcher {
  stop(): void;
}

interface CodedError {
  code?: number;
  hasErrorLabel?: (label: string) => boolean;
}

function tokenIsDead(error: unknown): boolean {
  const { code, hasErrorLabel } = error as CodedError;
  return (
    DEAD_TOKEN_CODES.includes(code ?? 0) ||
    hasErrorLabel?.call(error, "NonResumableChangeStreamError") === true
  );
}

class StreamFollower implements Watcher {
  private readonly options: WatchOptions;
  private readonly stopping = new AbortController();
  private token: ResumeToken | undefined;
  private stream: ChangeStream | undefined;
  /** Ends the look that waits now. */
  private wake: ((reason: Error) => void) | undefined;
  private failures = 0;

  constructor(options: WatchOptions) {
    this.options = options;
    options.client.on("connectionPoolCleared", this.onMemberLost);
  }

  /** Not worth waiting for the deadline when the driver already knows. Told once for each time that one is lost. */
  private readonly onMemberLost = () => this.wake?.(new Error("a member was lost"));

  async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        this.noteFailure(error);
      }
      this.dropStream();
      await sleep(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => {});
    }
  }

  private noteFailure(error: unknown): void {
    if (this.stopping.signal.aborted) return;
    if (tokenIsDead(error)) this.token = undefined;
    this.failures += 1;
    const { listener, log } = this.options;
    const fields = { reason: reasonOf(error), failures: this.failures };
    if (this.failures > 1) {
      log.debug("the change stream is still broken", fields);
      return;
    }
    listener.onBreak?.();
    log.warn("the change stream broke, opening it again", fields);
  }

  private async follow(): Promise<void> {
    const stream = this.open();
    this.stream = stream;
    // Both at once: the read covers the time before the stream, the second one the gap between.
    const [first] = await Promise.all([this.look(stream), this.reread()]);
    await this.reread();
    if (this.failures > 0) this.options.log.info("the change stream is open again");
    this.failures = 0;
    for (let change = first; !this.stopping.signal.aborted; change = await this.look(stream)) {
      if (change !== null) await this.tell(change);
      this.token = stream.resumeToken ?? this.token;
    }
  }

  private open(): ChangeStream {
    const collections = this.options.listener.onWorker ? ["flows", "workers"] : ["flows"];
    const options = { maxAwaitTimeMS: AWAIT_MS, resumeAfter: this.token };
    return this.options.db.watch([{ $match: { "ns.coll": { $in: collections } } }], options);
  }

  private async look(stream: ChangeStream): Promise<ChangeStreamDocument | null> {
    let timer: NodeJS.Timeout | undefined;
    const dead = new Promise<never>((_, reject) => {
      this.wake = reject;
      timer = setTimeout(() => reject(new Error("the change stream is silent")), DEADLINE_MS);
    });
    const next = stream.tryNext();
    // When the deadline wins, the look may still fail later.
    next.catch(() => {});
    try {
      return await Promise.race([next, dead]);
    } finally {
      clearTimeout(timer);
      this.wake = undefined;
    }
  }

  /** @throws when the change cannot be read: the stream is opened again at the same place. */
  private async tell(change: ChangeStreamDocument): Promise<void> {
    if (!("ns" in change) || !("coll" in change.ns)) return;
    if (change.ns.coll === "workers") {
      this.options.listener.onWorker?.();
      return;
    }
    const document = "fullDocument" in change ? change.fullDocument : undefined;
    if (document) this.options.listener.onFlowSet(await this.options.parse(document));
  }

  /** Reads what is stored now. */
  async reread(): Promise<void> {
    const set = await this.options.read();
    if (set !== null) this.options.listener.onFlowSet(set);
  }

  private dropStream(): void {
    // Closing asks the server, which may be gone: nobody waits for it.
    this.stream?.close().catch(() => {});
    this.stream = undefined;
  }

  stop(): void {
    this.options.client.off("connectionPoolCleared", this.onMemberLost);
    this.stopping.abort();
    this.wake?.(new Error("stopped"));
    this.dropStream();
  }

  get signal(): AbortSignal {
    return this.stopping.signal;
  }
}

async function poll(follower: StreamFollower, options: WatchOptions): Promise<void> {
  const { signal } = follower;
  while (!signal.aborted) {
    await sleep(options.pollSeconds * 1000, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return;
    await follower.reread().catch((error) => {
      options.log.debug("the poll of the flow store failed", { reason: reasonOf(error) });
    });
  }
}

/** Starts to follow a database. */
export function watchDatabase(options: WatchOptions): Watcher {
  const follower = new StreamFollower(options);
  void follower.run();
  void poll(follower, options);
  return follower;
}
