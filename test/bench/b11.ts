import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { ROOT } from "../support/process.ts";
import { row, type Side } from "./measure.ts";
import type { Benchmark } from "./types.ts";
import { startValkey } from "./valkey.ts";

const ROUNDS = 5;
const SCRIPT = join(ROOT, "test/bench/leader-worker.ts");
const SLOWEST_MS = 30_000;

type Ending = "SIGKILL" | "SIGTERM";

const startWorker = (side: "ours" | "peer") => fork(SCRIPT, [side]);

async function leading(worker: ChildProcess): Promise<number> {
  await once(worker, "message", { signal: AbortSignal.timeout(SLOWEST_MS) });
  return performance.now();
}

/** Milliseconds without a leader after the one that there is has ended. */
async function handover(side: "ours" | "peer", ending: Ending): Promise<number> {
  const first = startWorker(side);
  const workers = [first];
  try {
    await leading(first);
    const second = startWorker(side);
    workers.push(second);
    // In the middle of its work, as ends come: it has connected, and both have asked once and more.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const ended = performance.now();
    const next = leading(second);
    first.kill(ending);
    return (await next) - ended;
  } finally {
    for (const worker of workers) worker.kill("SIGTERM");
    await Promise.all(
      workers.map((worker) => worker.exitCode ?? worker.signalCode ?? once(worker, "exit")),
    );
  }
}

/** The round trip that at least is needed. */
async function roundTrip(client: Redis): Promise<number> {
  const begin = performance.now();
  await client.ping();
  return performance.now() - begin;
}

/** Each round starts its workers anew, so that none is there to warm up another. */
async function measure(client: Redis, ending: Ending): Promise<Record<Side, number[]>> {
  const times: Record<Side, number[]> = { ours: [], peer: [], limit: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    times.peer.push(await handover("peer", ending));
    times.ours.push(await handover("ours", ending));
    times.limit.push(await roundTrip(client));
  }
  return times;
}

export const b11: Benchmark = {
  id: "B11",
  what: "time without a leader after a crash and after a clean end",
  async run() {
    const server = await startValkey();
    try {
      const crash = await measure(server.client, "SIGKILL");
      const clean = await measure(server.client, "SIGTERM");
      return [
        row("B11", "no leader after kill -9", "ms", crash, { of: "ours", atMost: 3000 }),
        row("B11", "no leader after a clean end", "ms", clean, { of: "ours", atMost: 50 }),
      ];
    } finally {
      await server.close();
    }
  },
};
