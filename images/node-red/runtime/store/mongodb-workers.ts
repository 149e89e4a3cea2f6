/** The worker registry: who is there, and which revision runs where. */
import type { Db } from "mongodb";
import type { WorkerRecord, WorkerReport } from "./types.ts";
import { WORKER_TTL_SECONDS } from "./workers.ts";

interface WorkerDocument extends Omit<WorkerRecord, "worker"> {
  _id: string;
}

const workersOf = (db: Db) => db.collection<WorkerDocument>("workers");

/** The server removes what is long gone; readers look at `lastSeen` themselves. */
export async function prepareWorkers(db: Db): Promise<void> {
  await workersOf(db).createIndex(
    { lastSeen: 1 },
    { expireAfterSeconds: 2 * WORKER_TTL_SECONDS, name: "ttl" },
  );
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

/** Workers seen within the TTL, by name. */
export async function listWorkers(db: Db): Promise<WorkerRecord[]> {
  const fresh = { $subtract: ["$$NOW", WORKER_TTL_SECONDS * 1000] };
  const found = await workersOf(db)
    .find({ $expr: { $gte: ["$lastSeen", fresh] } }, { sort: { _id: 1 } })
    .toArray();
  return found.map(({ _id, error, ...rest }) => ({
    worker: _id,
    ...rest,
    ...(error ? { error } : {}),
  }));
}
