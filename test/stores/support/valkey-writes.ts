import type { Redis } from "ioredis";
import { expect } from "vitest";
import type { ValkeyGroup } from "../../support/valkey-group.ts";
import { until } from "../../support/wait.ts";
import { lost, Writers, type WritersReport } from "../../support/writers.ts";

/** What clients saw of a fault, and what the group holds after it. */
export interface WritesUnderFault {
  /** Members that were primary before and after. */
  readonly before: number;
  readonly after: number;
  readonly result: WritersReport;
  /** What the primary of now holds. */
  readonly found: readonly number[];
  /** What was acknowledged and is not there any more. */
  readonly missing: readonly number[];
}

/** Clients that write to a group while something is done to it. */
export class ValkeyWrites {
  private readonly group: ValkeyGroup;
  private readonly reconnected = new WeakMap<Redis, number>();
  private round = 0;

  constructor(group: ValkeyGroup) {
    this.group = group;
  }

  /** Does something to the primary while clients write. */
  async underFault(fault: (primary: number) => Promise<void>): Promise<WritesUnderFault> {
    const before = await this.group.settled();
    const { writers, key } = this.writers();
    await until("some writes", () => writers.count > 30);
    await fault(before);
    const after = await this.group.settled();
    const count = writers.count;
    await until(`writes after the fault: ${writers.lastError}`, () => writers.count > count + 30);
    const result = await writers.stop();
    const found = (await this.group.client("admin").smembers(key)).map(Number);
    return { before, after, result, found, missing: lost(result, found) };
  }

  /** Writers whose writes count once a replica has them too. */
  private writers(): { writers: Writers; key: string } {
    this.round += 1;
    const key = `nr:written:${this.round}`;
    // As the runtimes' own: what was under way fails with the connection.
    const clients = [1, 2].map(() => this.group.client("app", { maxRetriesPerRequest: 0 }));
    const write = async (id: number) => {
      const client = clients[id % clients.length] as Redis;
      try {
        await client.sadd(key, id);
        if ((await client.wait(1, 800)) < 1) throw new Error("no replica has it");
      } catch (error) {
        this.reconnect(client);
        throw error;
      }
    };
    return { writers: new Writers(write, { workers: 4, paceMs: 20 }), key };
  }

  /**
   * Lets a client look for the primary anew, at most once a second: a storm of it never gets there. Only when it is
   * connected: ioredis ends for good when it is disconnected while it asks the Sentinels.
   */
  private reconnect(client: Redis) {
    if (client.status !== "ready") return;
    if (Date.now() - (this.reconnected.get(client) ?? 0) < 1000) return;
    this.reconnected.set(client, Date.now());
    client.disconnect(true);
  }
}

export function expectNothingLost(missing: readonly number[], result: WritersReport) {
  expect(missing).toEqual([]);
  expect(result.acknowledged.length).toBeGreaterThan(60);
}
