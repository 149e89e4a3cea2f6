import { endpoint, tab } from "../support/flows.ts";
import { bareHttp } from "./limits.ts";
import { interleave, pickAll, row } from "./measure.ts";
import { buildOurs, type Runtime, startOurs } from "./ours.ts";
import { startPeer } from "./peer.ts";
import { peerNodeRed, wrk } from "./peers.ts";
import { CORE, firstAnswer, loadWith, type Throughput } from "./pinned.ts";
import { pssMb } from "./proc.ts";
import { startStore } from "./store.ts";
import type { Benchmark } from "./types.ts";

const PORTS = { ours: 28831, peer: 28832, limit: 28833 };
const ROUNDS = 5;

const flows = [tab("bench"), ...endpoint("bench", "bench", "/bench", "bench")];
const url = (port: number) => `http://127.0.0.1:${port}/red-nodes/bench`;

export const b3: Benchmark = {
  id: "B3",
  what: "HTTP-in, function, response: requests a second on one core",
  async run() {
    await buildOurs();
    await peerNodeRed();
    const wrkPath = await wrk();
    const store = await startStore();
    await store.seed("bench", flows);
    const { uri } = store;
    const runtimes: Record<"ours" | "peer" | "limit", Runtime> = {
      ours: await startOurs({
        role: "replica",
        name: "b3",
        port: PORTS.ours,
        core: CORE.server,
        uri,
        database: "bench",
      }),
      peer: await startPeer(PORTS.peer, CORE.server, flows),
      limit: bareHttp(PORTS.limit, CORE.server),
    };
    const load = (side: keyof typeof PORTS) => async (): Promise<Throughput & { pss: number }> => {
      await firstAnswer(url(PORTS[side]));
      const seen = await loadWith(wrkPath, url(PORTS[side]));
      if (seen.errors > 0) throw new Error(`${side}: ${seen.errors} wrong answers`);
      return { ...seen, pss: pssMb(runtimes[side].pid) };
    };
    try {
      const sides = { ours: load("ours"), peer: load("peer"), limit: load("limit") };
      const values = await interleave(ROUNDS, sides);
      const perSecond = pickAll(values, (it) => it.perSecond);
      const p50 = pickAll(values, (it) => it.p50);
      const memory = pickAll(values, (it) => it.pss);
      return [
        row("B3", "throughput", "req/s", perSecond, { of: "limit", atLeast: 0.4 }),
        row("B3", "latency p50, 32 connections", "ms", p50),
        row("B4", "PSS after the load of B3", "MB", memory, { of: "peer", atMost: 0.45 }),
      ];
    } finally {
      for (const runtime of Object.values(runtimes)) await runtime.stop();
      await store.close();
    }
  },
};
