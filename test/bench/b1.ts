import { endpoint, tab } from "../support/flows.ts";
import { bareExpress, bareHttp } from "./limits.ts";
import { interleave, pickAll, row } from "./measure.ts";
import { buildOurs, type Runtime, startOurs } from "./ours.ts";
import { startPeer } from "./peer.ts";
import { CORE, firstAnswer } from "./pinned.ts";
import { ageMs, cpuMs } from "./proc.ts";
import { startStore } from "./store.ts";
import type { Benchmark } from "./types.ts";

const PORT = 28801;
const URL = `http://127.0.0.1:${PORT}/red-nodes/bench`;
const ROUNDS = 5;

const flows = [
  tab("bench"),
  ...["bench", "second", "third"].flatMap((id) => endpoint("bench", id, `/${id}`, id)),
];

/** Age of the process at its first 200, and the CPU time it had used by then. */
async function startOnce(start: () => Promise<Runtime>): Promise<{ ms: number; cpu: number }> {
  const runtime = await start();
  try {
    await firstAnswer(URL);
    return { ms: ageMs(runtime.pid), cpu: cpuMs(runtime.pid) };
  } finally {
    await runtime.stop();
  }
}

export const b1: Benchmark = {
  id: "B1",
  what: "worker start: process start to the first 200 of a flow",
  async run() {
    await buildOurs();
    const store = await startStore();
    await store.seed("bench", flows);
    const options = { role: "replica", name: "b1", port: PORT, core: CORE.server } as const;
    const { uri } = store;
    const sides = {
      ours: () => startOnce(() => startOurs({ ...options, uri, database: "bench" })),
      peer: () => startOnce(() => startPeer(PORT, CORE.server, flows)),
      limit: () => startOnce(() => bareExpress(PORT, CORE.server)),
      node: () => startOnce(async () => bareHttp(PORT, CORE.server)),
    };
    try {
      const values = await interleave(ROUNDS, sides);
      const ms = pickAll(values, (value) => value.ms);
      const cpu = pickAll(values, (value) => value.cpu);
      return [
        row("B1", "start", "ms", ms, { of: "limit", atMost: 1.5 }),
        row("B1", "start, against the peer", "ms", ms, { of: "peer", atMost: 0.5 }),
        row(
          "B1",
          "start (limit: bare node:http)",
          "ms",
          { ...ms, limit: ms.node },
          { of: "limit", atMost: 1.5 },
        ),
        row("B1", "start, CPU", "ms", cpu),
      ];
    } finally {
      await store.close();
    }
  },
};
