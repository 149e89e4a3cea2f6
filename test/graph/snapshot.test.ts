import { expect, test, vi } from "vitest";
import { callLines, graphLines } from "./support/lines.ts";
import { dockerGraph, EXAMPLES, example, memoryCalls } from "./support/stacks.ts";

vi.setConfig({ testTimeout: 60_000 });

test.each(Object.keys(EXAMPLES))("%s on docker", async (name) => {
  const graph = await dockerGraph(example(name));
  await expect(graphLines(graph)).toMatchFileSnapshot(`snapshots/${name}.docker.txt`);
});

test.each(Object.keys(EXAMPLES))("%s on the in-memory target", async (name) => {
  const calls = await memoryCalls(example(name));
  await expect(callLines(calls)).toMatchFileSnapshot(`snapshots/${name}.memory.txt`);
});
