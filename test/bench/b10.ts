import { interleave, row } from "./measure.ts";
import type { Benchmark } from "./types.ts";
import { Context, startValkey } from "./valkey.ts";

const ROUNDS = 5;
const IN_FLIGHT = 256;
const WRITES = IN_FLIGHT * 40;
const ALONE = 1000;

/** Writes a second, with so many on their way at any time. */
async function throughput(
  writes: number,
  inFlight: number,
  write: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const writer = async () => {
    while (next < writes) await write(next++);
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: inFlight }, writer));
  return (writes * 1000) / (performance.now() - begin);
}

const keyOf = (index: number) => `key${index % IN_FLIGHT}`;

export const b10: Benchmark = {
  id: "B10",
  what: "context writes a second, 256 in flight and one by one",
  async run() {
    const server = await startValkey();
    const context = await Context.open();
    const { client } = server;
    const ours = (index: number) => context.set(keyOf(index), index);
    const peer = (index: number) => client.set(keyOf(index), String(index));
    /** Pipelines of as many as are in flight: what one connection of this client can do. */
    const pipelines = () =>
      throughput(WRITES / IN_FLIGHT, 1, () => {
        const pipeline = client.pipeline();
        for (let index = 0; index < IN_FLIGHT; index += 1) pipeline.set(keyOf(index), index);
        return pipeline.exec();
      });
    try {
      const many = await interleave(ROUNDS, {
        ours: () => throughput(WRITES, IN_FLIGHT, ours),
        peer: () => throughput(WRITES, IN_FLIGHT, peer),
        limit: async () => (await pipelines()) * IN_FLIGHT,
      });
      const alone = await interleave(ROUNDS, {
        ours: () => throughput(ALONE, 1, ours),
        peer: () => throughput(ALONE, 1, peer),
        limit: () => throughput(ALONE, 1, () => client.ping()),
      });
      return [
        row("B10", "writes, 256 in flight", "1/s", many, { of: "peer", atLeast: 2 }),
        row("B10", "writes, one by one", "1/s", alone, { of: "peer", atLeast: 1 }),
      ];
    } finally {
      await context.close();
      await server.close();
    }
  },
};
