import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";

/**
 * The Sentinels miss a primary only after ten minutes: a node that starts slowly, as it may on a busy machine, gives
 * them no reason to make another one primary, so that what is seen here is the start itself.
 */
const group = new ValkeyGroup({ downAfterMs: 600_000 });
const NAMES = group.names();

beforeAll(() => group.open(), 120_000);
afterAll(() => group.close());

const ends = [
  ["killed", (name: string) => group.lab.container(name).kill({ signal: "KILL" })],
  ["stopped", (name: string) => group.lab.container(name).stop({ t: 30 })],
] as const;

describe("a Valkey group whose members all end", () => {
  it.each(ends)(
    "and come back when they were %s, has the same primary and its data",
    async (how, end) => {
      const before = await group.primaryElsewhere();
      const key = `nr:${how}`;
      const client = group.client();
      await client.set(key, "kept");
      expect(await client.wait(2, 2000)).toBe(2);
      await Promise.all(NAMES.map(end));
      const states = await Promise.all(NAMES.map((name) => group.lab.container(name).inspect()));
      expect(states.some((state) => state.State.Running)).toBe(false);
      // The worst order: the node that was primary first of all is back before all others.
      for (const name of NAMES) await group.lab.container(name).start();
      expect(await group.settled()).toBe(before);
      expect(await until("the value", () => group.client().get(key))).toBe("kept");
    },
  );
});
