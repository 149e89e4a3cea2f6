import { endpoint, tab } from "../support/flows.ts";
import { pause } from "../support/wait.ts";
import { bareHttp } from "./limits.ts";
import { interleave, row } from "./measure.ts";
import { buildOurs, type Runtime, startOurs } from "./ours.ts";
import { startPeer } from "./peer.ts";
import { firstAnswer } from "./pinned.ts";
import { pssMb } from "./proc.ts";
import { startStore } from "./store.ts";
import type { Benchmark } from "./types.ts";

const FIRST_PORT = 28820;
const INSTANCES = 8;
const ROUNDS = 5;
/** Ours gives memory back at the end of its first two idle seconds; it looks every two. */
const IDLE_MS = 4200;
const LIMIT_IDLE_MS = 1000;

const flows = [tab("bench"), ...endpoint("bench", "bench", "/bench", "bench")];

/** Proportional set size per instance with eight of them idle at once. */
async function density(
  start: (port: number, index: number) => Promise<Runtime>,
  idleMs = IDLE_MS,
): Promise<number> {
  const runtimes: Runtime[] = [];
  try {
    const ports = Array.from({ length: INSTANCES }, (_, index) => FIRST_PORT + index);
    for (const [index, port] of ports.entries()) runtimes.push(await start(port, index));
    for (const port of ports) await firstAnswer(`http://127.0.0.1:${port}/red-nodes/bench`);
    await pause(idleMs);
    return runtimes.reduce((sum, { pid }) => sum + pssMb(pid), 0) / INSTANCES;
  } finally {
    await Promise.all(runtimes.map((runtime) => runtime.stop()));
  }
}

export const b2: Benchmark = {
  id: "B2",
  what: "memory of an idle tenant, eight at once",
  async run() {
    await buildOurs();
    const store = await startStore();
    for (let index = 0; index < INSTANCES; index += 1) await store.seed(`tenant-${index}`, flows);
    const ours = (port: number, index: number) =>
      startOurs({
        role: "instance",
        name: `b2-${index}`,
        port,
        core: "0-1",
        uri: store.uri,
        database: `tenant-${index}`,
      });
    try {
      const values = await interleave(ROUNDS, {
        ours: () => density(ours),
        peer: () => density((port) => startPeer(port, "0-1", flows)),
        limit: () => density(async (port) => bareHttp(port, "0-1"), LIMIT_IDLE_MS),
      });
      return [row("B2", "PSS per idle instance", "MB", values, { of: "peer", atMost: 0.4 })];
    } finally {
      await store.close();
    }
  },
};
