import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { report } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { lost } from "../support/writers.ts";
import { expectNothingLost, ValkeyWrites } from "./support/valkey-writes.ts";

const group = new ValkeyGroup();
const writes = new ValkeyWrites(group);
/** With `appendfsync everysec` a server writes to its file up to two seconds late while the disk is busy with what was before. */
const BEHIND_MS = 2500;

const NAMES = group.names();

beforeAll(() => group.open(), 120_000);
afterAll(() => group.close());

describe("a Valkey group of which all is down", () => {
  it.each([
    ["at once", 0],
    ["after the Sentinels missed them", 8000],
  ])(
    "keeps all but what a slow disk has not taken yet when all data nodes are killed and back %s",
    async (_, ms) => {
      for (let repeat = 0; repeat < 2; repeat++) {
        let killed = 0;
        const { result, found } = await writes.underFault(async () => {
          const nodes = NAMES.filter((name) => name.startsWith("valkey"));
          const each = (work: (name: string) => Promise<unknown>) => Promise.all(nodes.map(work));
          await pause(BEHIND_MS + 1000);
          killed = performance.now();
          await each((name) => group.lab.container(name).kill({ signal: "KILL" }));
          await pause(ms);
          await each((name) => group.lab.container(name).start());
        });
        expectNothingLost(lost(result, found, killed - BEHIND_MS), result);
        const newest = lost(result, found).length;
        report(`valkey.all-killed.${ms}.newest-lost`, newest, "writes");
        report(`valkey.all-killed.${ms}.gap`, result.gapMs, "ms");
      }
    },
  );

  it("keeps the newest data when all six are killed at once, also if the first primary is back first", async () => {
    await group.primaryElsewhere();
    const key = "nr:before-the-crash";
    const client = group.client();
    // A transaction, as scripts write it to the append-only file.
    await client.multi().set(key, "kept").set(`${key}:too`, "kept").exec();
    expect(await client.wait(2, 2000)).toBe(2);
    await Promise.all(NAMES.map((name) => group.lab.container(name).kill({ signal: "KILL" })));
    const down = await Promise.all(NAMES.map((name) => group.lab.container(name).inspect()));
    expect(down.every((state) => !state.State.Running)).toBe(true);
    // The worst order: the node that was primary first of all comes back before all others.
    for (const name of NAMES) await group.lab.container(name).start();
    await group.settled();
    expect(await until("the value", () => group.client().get(key))).toBe("kept");
  });

  it("comes back one node after the other, although the first one is not who led last", async () => {
    await group.primaryElsewhere();
    const key = "nr:before-the-stop";
    const client = group.client();
    await client.set(key, "kept");
    expect(await client.wait(2, 2000)).toBe(2);
    for (const name of [...NAMES].reverse()) await group.lab.container(name).stop({ t: 30 });
    for (const name of NAMES) {
      await group.lab.container(name).start();
      if (name.startsWith("valkey")) await group.lab.healthy(name, 60);
    }
    await group.settled();
    expect(await until("the value", () => group.client().get(key))).toBe("kept");
  });
});
