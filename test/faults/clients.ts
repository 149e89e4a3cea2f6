import type { Collection, MongoClient } from "mongodb";
import { mongoOf } from "../support/mongo.ts";
import { valkeyThroughSentinels } from "../support/valkey.ts";
import { pause } from "../support/wait.ts";

/** What a writer has to show for itself at the end. */
export interface WriterReport {
  readonly acknowledged: number;
  /** Numbers that were acknowledged and are not there any more. */
  readonly lost: number[];
  /** Longest time without an acknowledgement, in milliseconds. */
  readonly gap: number;
  /** Attempts that failed, which is allowed as long as nothing acknowledged is lost. */
  readonly refused: number;
}

/** Writes numbered things as fast as they are acknowledged, with a short pause. */
export abstract class Writer {
  private stopped = false;
  private readonly acknowledged: number[] = [];
  private gap = 0;
  private refused = 0;
  private readonly loop: Promise<void>;

  protected constructor() {
    this.loop = this.work();
  }

  /** Writes one number; resolves when it is acknowledged for good. */
  protected abstract write(number: number): Promise<void>;
  /** All numbers that are there. */
  protected abstract read(): Promise<Set<number>>;
  protected abstract close(): Promise<void>;

  private async work(): Promise<void> {
    await pause(0);
    let last = performance.now();
    for (let number = 0; !this.stopped; number += 1) {
      try {
        await this.write(number);
        this.acknowledged.push(number);
        this.gap = Math.max(this.gap, performance.now() - last);
        last = performance.now();
      } catch {
        this.refused += 1;
      }
      await pause(10);
    }
  }

  /** Stops writing and reads everything back. */
  async stop(): Promise<WriterReport> {
    this.stopped = true;
    await this.loop;
    const there = await this.read();
    await this.close();
    const lost = this.acknowledged.filter((number) => !there.has(number));
    const { gap, refused } = this;
    return { acknowledged: this.acknowledged.length, lost, gap, refused };
  }
}

interface Numbered {
  readonly _id: string;
  readonly number: number;
}

/** Writes documents with majority acknowledgement as a tenant's own user. */
export class MongoWriter extends Writer {
  private readonly client: MongoClient;
  private readonly run: string;

  private constructor(client: MongoClient, run: string) {
    super();
    this.client = client;
    this.run = run;
  }

  static async start(container: string): Promise<MongoWriter> {
    const bounded = { serverSelectionTimeoutMS: 30_000, socketTimeoutMS: 5000, retryWrites: true };
    return new MongoWriter(await mongoOf(container, bounded), `${Date.now()}`);
  }

  private get collection(): Collection<Numbered> {
    return this.client.db("tenant-acme").collection("proof");
  }

  protected override async write(number: number): Promise<void> {
    const document = { _id: `${this.run}-${number}`, number };
    await this.collection.insertOne(document, {
      writeConcern: { w: "majority", wtimeoutMS: 5000 },
    });
  }

  protected override async read(): Promise<Set<number>> {
    const mine = this.collection.find({ _id: { $regex: `^${this.run}-` } });
    const numbers = (await mine.toArray()).map((document) => document.number);
    await this.collection.drop();
    return new Set(numbers);
  }

  protected override async close(): Promise<void> {
    await this.client.close();
  }
}

/** Writes keys through the Sentinels and counts them once a replica has them too. */
export class ValkeyWriter extends Writer {
  private readonly client: Awaited<ReturnType<typeof valkeyThroughSentinels>>;
  private readonly key = `nr:proof:${Date.now()}`;
  private reconnected = 0;

  private constructor(client: Awaited<ReturnType<typeof valkeyThroughSentinels>>) {
    super();
    this.client = client;
    client.on("error", () => undefined);
  }

  static async start(stack: string): Promise<ValkeyWriter> {
    return new ValkeyWriter(await valkeyThroughSentinels(stack));
  }

  protected override async write(number: number): Promise<void> {
    try {
      await this.client.hset(this.key, String(number), "1");
      if ((await this.client.wait(1, 500)) < 1) throw new Error("no replica has it");
    } catch (error) {
      this.reconnect();
      throw error;
    }
  }

  /**
   * Leaves a primary that does not answer or has no replicas; at most once a second, and never while the client asks
   * the Sentinels: ioredis would end for good.
   */
  private reconnect(): void {
    if (this.client.status !== "ready") return;
    if (Date.now() - this.reconnected < 1000) return;
    this.reconnected = Date.now();
    this.client.disconnect(true);
  }

  protected override async read(): Promise<Set<number>> {
    const numbers = await this.client.hkeys(this.key);
    await this.client.del(this.key);
    return new Set(numbers.map(Number));
  }

  protected override async close(): Promise<void> {
    this.client.disconnect();
  }
}
