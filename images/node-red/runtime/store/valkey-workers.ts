/** The worker registry in Valkey: one hash, times of the server. */
import type { Redis } from "ioredis";
import type { WorkerRecord, WorkerReport } from "./types.ts";
import { REPORT } from "./valkey-scripts.ts";
import { FORGET_SECONDS, SILENT_SECONDS } from "./workers.ts";

/** Where the registry is, and the channel that tells of its changes. */
export interface WorkerKeys {
  workers: string;
  channel: string;
}

/** Writes a report. */
export async function reportWorker(
  client: Redis,
  { workers, channel }: WorkerKeys,
  { worker, ...report }: WorkerReport,
): Promise<void> {
  const forgetMs = FORGET_SECONDS * 1000;
  await client.eval(REPORT, 1, workers, worker, JSON.stringify(report), channel, forgetMs);
}

/** Removes a worker that leaves, and tells. */
export async function removeWorker(
  client: Redis,
  { workers, channel }: WorkerKeys,
  worker: string,
): Promise<void> {
  await client.hdel(workers, worker);
  await client.publish(channel, worker);
}

/** Workers that are not forgotten, by name. */
export async function listWorkers(client: Redis, { workers }: WorkerKeys): Promise<WorkerRecord[]> {
  const [[seconds, micros], found] = await Promise.all([client.time(), client.hgetall(workers)]);
  const now = Number(seconds) * 1000 + Number(micros) / 1000;
  return Object.entries(found)
    .map(([worker, json]) => {
      const { lastSeen, revision, ...report } = JSON.parse(json);
      const silent = lastSeen < now - SILENT_SECONDS * 1000;
      // Lua's JSON keeps null, but not when the field is absent.
      return {
        ...report,
        worker,
        silent,
        revision: revision ?? null,
        lastSeen: new Date(lastSeen),
      };
    })
    .filter(({ lastSeen }) => lastSeen.getTime() >= now - FORGET_SECONDS * 1000)
    .sort((a, b) => (a.worker < b.worker ? -1 : 1));
}
