import { Load, type LoadOptions } from "../support/load.ts";
import { mongoOf } from "../support/mongo.ts";
import { valkeyThroughSentinels } from "../support/valkey.ts";
import { lost, Writers } from "../support/writers.ts";

/** Something that a client was owed and did not get; times in milliseconds of `performance.now()`. */
export interface Loss {
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/** A client that is at work for the whole of a scenario. */
export interface Client {
  readonly name: string;
  /** When each right answer came, in milliseconds of `performance.now()`. */
  readonly times: readonly number[];
  /** Ends it. @returns what it lost. */
  stop(): Promise<readonly Loss[]>;
}

/** Asks an endpoint at a fixed rate. */
export function reader(name: string, options: LoadOptions): Client {
  const load = new Load(options);
  return {
    name,
    times: load.times,
    stop: async () => {
      const { losses } = await load.stop();
      return losses.map(({ sent, failed, why }) => ({ from: sent, to: failed, why }));
    },
  };
}

/** Writes numbers and reads all of them back in the end. */
function writer(
  name: string,
  write: (number: number) => Promise<void>,
  readBack: () => Promise<Iterable<number>>,
): Client {
  const writers = new Writers(write, { workers: 1 });
  return {
    name,
    times: writers.times,
    stop: async () => {
      const missing = lost(await writers.stop(), await readBack());
      return missing.map((number) => ({ from: 0, to: 0, why: `write ${number} is not there` }));
    },
  };
}

/** As the runtime's own: with the driver's defaults a hung primary holds a client for 35 s. */
const BOUNDS = {
  connectTimeoutMS: 2000,
  socketTimeoutMS: 5000,
  serverSelectionTimeoutMS: 30_000,
  heartbeatFrequencyMS: 2000,
};

/** Writes documents with majority acknowledgement as a tenant's own user. */
export async function mongodbWriter(container: string): Promise<Client> {
  const client = await mongoOf(container, BOUNDS);
  const run = `${Date.now()}`;
  const proof = client.db("tenant-acme").collection<{ _id: string; number: number }>("proof");
  const promise = { writeConcern: { w: "majority", wtimeoutMS: 5000 } } as const;
  return writer(
    "mongodb",
    async (number) => {
      await proof.insertOne({ _id: `${run}-${number}`, number }, promise);
    },
    async () => {
      const mine = await proof.find({ _id: { $regex: `^${run}-` } }).toArray();
      await proof.drop();
      await client.close();
      return mine.map(({ number }) => number);
    },
  );
}

/** Writes keys through the Sentinels; one counts once a replica has it too. */
export async function valkeyWriter(stack: string): Promise<Client> {
  const client = await valkeyThroughSentinels(stack);
  client.on("error", () => undefined);
  const key = `nr:proof:${Date.now()}`;
  let reconnected = 0;
  // Leaves a primary that does not answer or has no replicas; at most once a second, and never while
  // the client asks the Sentinels: ioredis would end for good.
  const reconnect = () => {
    if (client.status !== "ready" || performance.now() - reconnected < 1000) return;
    reconnected = performance.now();
    client.disconnect(true);
  };
  return writer(
    "valkey",
    async (number) => {
      try {
        await client.hset(key, String(number), "1");
        if ((await client.wait(1, 500)) < 1) throw new Error("no replica has it");
      } catch (error) {
        reconnect();
        throw error;
      }
    },
    async () => {
      const numbers = await client.hkeys(key);
      await client.del(key);
      client.disconnect();
      return numbers.map(Number);
    },
  );
}
