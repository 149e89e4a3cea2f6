import type { MongoClient, MongoClientOptions } from "mongodb";
import { pause } from "./wait.ts";

/** Between two writes of the probe, in milliseconds. */
const PACE_MS = 50;
/** A member that does not answer for this long is asked again. */
const ANSWER_MS = 1000;
/** Options of a client that speaks with one member only and never waits long for it. */
export const DIRECT: MongoClientOptions = {
  directConnection: true,
  connectTimeoutMS: ANSWER_MS,
  socketTimeoutMS: ANSWER_MS,
  serverSelectionTimeoutMS: ANSWER_MS,
  heartbeatFrequencyMS: 500,
  retryWrites: false,
  maxPoolSize: 2,
};

/**
 * Sees when a replica set takes majority writes, without a driver's own idea of who the primary is:
 * each member is asked by itself, all the while, and whoever says that it is primary gets a write.
 */
export class StoreProbe {
  /** Begins of the writes that a majority took, in milliseconds of `performance.now()`. */
  readonly times: number[] = [];
  private readonly members: readonly MongoClient[];
  private readonly database: string;
  private readonly loops: readonly Promise<void>[];
  private stopped = false;

  /** @param members clients with the options {@link DIRECT}; closed with the probe. */
  constructor(members: readonly MongoClient[], database: string) {
    this.members = members;
    this.database = database;
    this.loops = members.map((member) => this.follow(member));
  }

  private async follow(member: MongoClient): Promise<void> {
    while (!this.stopped) {
      const begin = performance.now();
      // A member that is away, hangs, or lost its office is what the probe is about.
      if (await this.write(member).catch(() => false)) this.times.push(begin);
      await pause(PACE_MS);
    }
  }

  private async write(member: MongoClient): Promise<boolean> {
    const database = member.db(this.database);
    const { isWritablePrimary } = await database.command({ hello: 1 });
    if (!isWritablePrimary) return false;
    const taken = await database
      .collection("probe")
      .replaceOne({}, { at: new Date() }, { upsert: true, writeConcern: { w: "majority" } });
    return taken.acknowledged;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
    await Promise.all(this.members.map((member) => member.close(true)));
  }
}

/**
 * Moments at which a store took majority writes again, after it had taken none for longer than `gapMs`.
 * @param times what a {@link StoreProbe} saw; @param since earlier ones do not count.
 */
export function returns(times: readonly number[], since: number, gapMs = 1000): number[] {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted.filter((time, index) => {
    const before = sorted[index - 1];
    return before !== undefined && time >= since && time - before > gapMs;
  });
}
