import type { Redis } from "ioredis";
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

/** One member of a store. */
interface Member {
  /** True when it is the one that takes writes, and one of others has this one. */
  write(): Promise<boolean>;
  close(): Promise<unknown>;
}

/**
 * Sees when a store takes writes that outlive a member, without a driver's own idea of who the primary is:
 * each member is asked by itself, all the while, and whoever says that it is primary gets a write.
 */
export class StoreProbe {
  /** Begins of the writes that were taken, in milliseconds of `performance.now()`. */
  readonly times: number[] = [];
  private readonly members: readonly Member[];
  private readonly loops: readonly Promise<void>[];
  private stopped = false;

  /** @param members closed with the probe. */
  constructor(members: readonly Member[]) {
    this.members = members;
    this.loops = members.map((member) => this.follow(member));
  }

  private async follow(member: Member): Promise<void> {
    while (!this.stopped) {
      const begin = performance.now();
      // A member that is away, hangs, or lost its office is what the probe is about.
      if (await member.write().catch(() => false)) this.times.push(begin);
      await pause(PACE_MS);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
    await Promise.all(this.members.map((member) => member.close()));
  }
}

/** Majority writes to a replica set. @param members clients with the options {@link DIRECT}. */
export function probeMongodb(members: readonly MongoClient[], name: string): StoreProbe {
  const write = async (member: MongoClient) => {
    const database = member.db(name);
    const { isWritablePrimary } = await database.command({ hello: 1 });
    if (!isWritablePrimary) return false;
    const taken = await database
      .collection("probe")
      .replaceOne({}, { at: new Date() }, { upsert: true, writeConcern: { w: "majority" } });
    return taken.acknowledged;
  };
  return new StoreProbe(
    members.map((member) => ({ write: () => write(member), close: () => member.close(true) })),
  );
}

/** Writes that a replica has, to a Valkey group. @param members a client of each node alone, that never waits long. */
export function probeValkey(members: readonly Redis[], key: string): StoreProbe {
  const write = async (member: Redis) => {
    if (member.status !== "ready") return false;
    await member.set(key, Date.now());
    return (await member.wait(1, ANSWER_MS / 2)) > 0;
  };
  return new StoreProbe(
    members.map((member) => ({
      write: () => write(member),
      close: async () => member.disconnect(),
    })),
  );
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
