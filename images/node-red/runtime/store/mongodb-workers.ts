/** The worker registry: who is there, and which revision runs where. */
import type { Db } from "mongodb";
import { isIndexConflict } from "./mongodb-errors.ts";
import type { WorkerRecord, WorkerReport } from "./types.ts";
import { FORGET_SECONDS, SILENT_SECONDS } from "./workers.ts";

interface WorkerDocument extends Omit<WorkerRecord, "worker" | "silent"> {
  _id: string;
}

const workersOf = (db: Db) => db.collection<WorkerDocument>("workers");

/** The server removes what is long gone; readers look at `lastSeen` themselves. */
export async function prepareWorkers(db: Db): Promise<void> {
  const index = { name: "ttl", expireAfterSeconds: FORGET_SECONDS };
  try {
    await workersOf(db).createIndex({ lastSeen: 1 }, index);
  } catch (error) {
    if (!isIndexConflict(error)) throw error;
    // An earlier version made it, with another time.
    await db.command({ collMod: "workers", index });
  }
}

/** Writes a report; the time is the server's, so that clocks of workers do not matter. */
export async function reportWorker(db: Db, report: WorkerReport): Promise<void> {
  const { worker, error, ...fields } = report;
  const literal = Object.fromEntries(
    Object.entries({ ...fields, error: error ?? "" }).map(([key, value]) => [
      key,
      { $literal: value },
    ]),
  );
  await workersOf(db).updateOne({ _id: worker }, [{ $set: { ...literal, lastSeen: "$$NOW" } }], {
    upsert: true,
  });
}

export async function removeWorker(db: Db, worker: string): Promise<void> {
  await workersOf(db).deleteOne({ _id: worker });
}

/** Workers that are not forgotten, by name. */
export async function listWorkers(db: Db): Promise<WorkerRecord[]> {
  const before = (seconds: number) => ({ $subtract: ["$$NOW", seconds * 1000] });
  const found = await workersOf(db)
    .aggregate<WorkerDocument & { silent: boolean }>([
      { $match: { $expr: { $gte: ["$lastSeen", before(FORGET_SECONDS)] } } },
      { $set: { silent: { $lt: ["$lastSeen", before(SILENT_SECONDS)] } } },
      { $sort: { _id: 1 } },
    ])
    .toArray();
  return found.map(({ _id, error, ...rest }) => ({
    worker: _id,
    ...rest,
    ...(error ? { error } : {}),
  }));
}
