import { setImmediate as turn } from "node:timers/promises";
import { interleave, percentile, row } from "./measure.ts";
import type { Benchmark } from "./types.ts";
import { Context, startValkey } from "./valkey.ts";

const ROUNDS = 5;
const READS = { ours: 20_000, peer: 2000, limit: 200_000 };
const CHANGES = 200;
const VALUE = { state: "running", count: 17, tags: ["a", "b", "c"], limits: { low: 1, high: 9 } };

/** Microseconds of one call, from many. */
async function perCall(count: number, call: () => unknown): Promise<number> {
  const begin = performance.now();
  for (let index = 0; index < count; index += 1) {
    const answer = call();
    if (answer instanceof Promise) await answer;
  }
  return ((performance.now() - begin) * 1000) / count;
}

/** p99 of the milliseconds from a change's acknowledgement until another worker reads it. */
async function staleness(writer: Context, reader: Context): Promise<number> {
  const ages: number[] = [];
  for (let change = 0; change < CHANGES; change += 1) {
    const value = performance.now();
    await writer.set("changing", value);
    const acknowledged = performance.now();
    while (reader.store.get("global", "changing") !== value) await turn();
    ages.push(performance.now() - acknowledged);
  }
  return percentile(ages, 0.99);
}

export const b8: Benchmark = {
  id: "B8",
  what: "context reads of a hot key, and how old they are",
  async run() {
    const server = await startValkey();
    const reader = await Context.open({ synchronous: true });
    const writer = await Context.open();
    const map = new Map([["hot", VALUE]]);
    try {
      await writer.set("hot", VALUE);
      await server.client.set("hot", JSON.stringify(VALUE));
      const read = async () => JSON.parse((await server.client.get("hot")) ?? "");
      const times = await interleave(ROUNDS, {
        ours: () => perCall(READS.ours, () => reader.store.get("global", "hot")),
        peer: () => perCall(READS.peer, read),
        limit: () => perCall(READS.limit, () => map.get("hot")),
      });
      const ages = await interleave(ROUNDS, { ours: () => staleness(writer, reader) });
      return [
        row("B8", "read of a hot key", "µs", times, { of: "peer", atMost: 0.01 }),
        row(
          "B8",
          "age of a read after another worker's change, p99",
          "ms",
          { ours: ages.ours, peer: times.peer.map((us) => us / 1000), limit: [0] },
          { of: "ours", atMost: 1 },
        ),
      ];
    } finally {
      await Promise.all([reader.close(), writer.close()]);
      await server.close();
    }
  },
};
