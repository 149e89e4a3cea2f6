import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freeze } from "../support/containers.ts";
import { report, waits } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { lost, Writers, type WritersReport } from "../support/writers.ts";

const group = new ValkeyGroup();
const MEMBERS = ["valkey-0", "valkey-1", "valkey-2", "sentinel-0", "sentinel-1", "sentinel-2"];
/** With `appendfsync everysec` a server writes to its file up to two seconds late while the disk is busy with what was before. */
const BEHIND_MS = 2500;
let round = 0;

beforeAll(() => group.open(), 120_000);
afterAll(() => group.close());

/** Writers whose writes count once a replica has them too. */
function writers(): { writers: Writers; key: string } {
  round += 1;
  const key = `nr:written:${round}`;
  // As the runtimes' own: what was under way fails with the connection.
  const clients = [1, 2].map(() => group.client("app", { maxRetriesPerRequest: 0 }));
  const write = async (id: number) => {
    const client = clients[id % clients.length] as Redis;
    try {
      await client.sadd(key, id);
      if ((await client.wait(1, 800)) < 1) throw new Error("no replica has it");
    } catch (error) {
      reconnect(client);
      throw error;
    }
  };
  return { writers: new Writers(write, { workers: 4, paceMs: 20 }), key };
}

const reconnected = new WeakMap<Redis, number>();

/**
 * Lets a client look for the primary anew, at most once a second: a storm of it never gets there. Only when it is
 * connected: ioredis ends for good when it is disconnected while it asks the Sentinels.
 */
function reconnect(client: Redis) {
  if (client.status !== "ready") return;
  if (Date.now() - (reconnected.get(client) ?? 0) < 1000) return;
  reconnected.set(client, Date.now());
  client.disconnect(true);
}

/** Everything of one round that the primary of now holds. */
async function present(key: string): Promise<number[]> {
  return (await group.client("admin").smembers(key)).map(Number);
}

/** Does something to the primary while clients write; what they saw, who is primary then, and what it holds. */
async function underFault(fault: (primary: number) => Promise<void>) {
  const before = await group.settled();
  const { writers: running, key } = writers();
  await until("some writes", () => running.count > 30);
  await fault(before);
  const after = await group.settled();
  const count = running.count;
  await until(`writes after the fault: ${running.lastError}`, () => running.count > count + 30);
  const result = await running.stop();
  const found = await present(key);
  return { before, after, result, found, missing: lost(result, found) };
}

/** Waits until the Sentinels call another node primary. */
async function switched(from: number, seconds = 20) {
  await until("another primary", async () => (await group.primary()) !== from, {
    seconds,
    every: 100,
  });
}

/** Makes sure that the primary is not member 0, where a group starts for the first time. */
async function elsewhereThanFirst(): Promise<number> {
  const primary = await group.settled();
  if (primary !== 0) return primary;
  await group.orderFailover();
  await switched(0);
  return group.settled();
}

function expectNothingLost(missing: readonly number[], result: WritersReport) {
  expect(missing).toEqual([]);
  expect(result.acknowledged.length).toBeGreaterThan(60);
}

describe("a Valkey group", () => {
  it("fails over when its primary is killed, and loses nothing acknowledged", async () => {
    const { before, after, result, missing } = await underFault(async (primary) => {
      await group.lab.container(`valkey-${primary}`).kill({ signal: "KILL" });
      await switched(primary);
      await group.lab.container(`valkey-${primary}`).start();
    });
    expect(after).not.toBe(before);
    expectNothingLost(missing, result);
    report("Valkey primary killed: longest gap of writes", result.gapMs, "ms", waits(10_000));
  });

  it("hands over when its primary is stopped with docker stop, and the next one too", async () => {
    for (let round = 0; round < 2; round++) {
      const { before, after, result, missing } = await underFault(async (primary) => {
        const ms = await group.stopPrimary(primary);
        report("Valkey primary asked to end → ended", ms, "ms", waits(15_000));
        await group.lab.container(`valkey-${primary}`).start();
      });
      expect(after).not.toBe(before);
      expectNothingLost(missing, result);
      const gap = "Valkey primary stopped: longest gap of writes";
      report(gap, result.gapMs, "ms", waits(2000));
    }
  });

  it("hands over to a replica that answers when another one hangs", async () => {
    const { result, missing } = await underFault(async (primary) => {
      const [hung, other] = [(primary + 1) % 3, (primary + 2) % 3];
      await freeze(group.lab.container(`valkey-${hung}`));
      await group.stopPrimary(primary);
      expect(await group.primary()).toBe(other);
      await group.lab.container(`valkey-${hung}`).unpause();
      await group.lab.container(`valkey-${primary}`).start();
    });
    expectNothingLost(missing, result);
  });

  it("takes writes while a replica is behind, and hands over once it is in step", async () => {
    const behind = { from: 0, to: 0 };
    const { before, after, result, missing } = await underFault(async (primary) => {
      // Its primary refuses it so long. Sentinels reach it: they would leave out one that hangs.
      const replica = (primary + 1) % 3;
      await group.ask("valkey", replica, "CONFIG SET masterauth wrong");
      await group.ask("valkey", replica, "CLIENT KILL TYPE master");
      behind.from = performance.now();
      const inStep = pause(8000).then(() => {
        behind.to = performance.now();
        return group.ask("valkey", replica, `CONFIG SET masterauth ${group.passwords.replication}`);
      });
      await Promise.all([group.stopPrimary(primary), inStep]);
      await group.lab.container(`valkey-${primary}`).start();
    });
    expect(after).not.toBe(before);
    expectNothingLost(missing, result);
    const meanwhile = result.times.filter((at) => at > behind.from && at < behind.to);
    expect(meanwhile.length).toBeGreaterThan(100);
    const gap = "Valkey primary stopped, a replica behind: longest gap of writes";
    report(gap, result.gapMs, "ms", waits(2000));
  });

  it("has a primary that ends at once when it is stopped with no Sentinel to ask", async () => {
    const sentinels = [0, 1, 2].map((member) => group.lab.container(`sentinel-${member}`));
    const { result, missing } = await underFault(async (primary) => {
      await Promise.all(sentinels.map((sentinel) => sentinel.stop({ t: 10 })));
      const ms = await group.stop(primary);
      report("Valkey primary without Sentinels asked to end → ended", ms, "ms", waits(3000));
      await group.lab.container(`valkey-${primary}`).start();
      await Promise.all(sentinels.map((sentinel) => sentinel.start()));
    });
    expectNothingLost(missing, result);
  });

  it("fails over when its primary hangs, which then comes back as a replica", async () => {
    const { before, after, result, missing } = await underFault(async (primary) => {
      const container = group.lab.container(`valkey-${primary}`);
      await freeze(container);
      await switched(primary);
      await pause(2000);
      await container.unpause();
    });
    expect(after).not.toBe(before);
    expectNothingLost(missing, result);
    report("Valkey primary hung: longest gap of writes", result.gapMs, "ms", waits(10_000));
  });

  it("keeps everything when its primary is killed and back before anybody misses it", async () => {
    const { result, missing } = await underFault(async (primary) => {
      const container = group.lab.container(`valkey-${primary}`);
      await container.kill({ signal: "KILL" });
      await container.start();
      const { State: state } = await container.inspect();
      expect(state.Running).toBe(true);
    });
    expectNothingLost(missing, result);
    expect(result.failed).toBeGreaterThan(0);
    report("valkey.restart.gap", result.gapMs, "ms");
  });

  it("does not follow a primary that came back with less than it had acknowledged", async () => {
    const { before, after, result, missing } = await underFault(async (primary) => {
      // As with a disk that is too slow for the append-only file: what comes now is in memory and on replicas only.
      await group.ask("valkey", primary, "CONFIG SET appendonly no");
      await pause(1000);
      await group.lab.container(`valkey-${primary}`).kill({ signal: "KILL" });
      await group.lab.container(`valkey-${primary}`).start();
      await switched(primary);
    });
    expect(after).not.toBe(before);
    expectNothingLost(missing, result);
    report("valkey.restart-with-less.gap", result.gapMs, "ms");
  });

  it("does not follow a primary that came back without its data", async () => {
    const { before, after, result, missing } = await underFault(async (primary) => {
      const wipe = "rm -rf /data/appendonlydir /data/appendonly.aof /data/dump.rdb";
      await group.lab.run(`valkey-${primary}`, ["sh", "-c", wipe]);
      await group.lab.container(`valkey-${primary}`).kill({ signal: "KILL" });
      await group.lab.container(`valkey-${primary}`).start();
      await switched(primary);
    });
    expect(after).not.toBe(before);
    expectNothingLost(missing, result);
  });

  it.each([
    ["at once", 0],
    ["after the Sentinels missed them", 8000],
  ])(
    "keeps all but what a slow disk has not taken yet when all data nodes are killed and back %s",
    async (_, ms) => {
      for (let repeat = 0; repeat < 2; repeat++) {
        let killed = 0;
        const { result, found } = await underFault(async () => {
          const nodes = MEMBERS.filter((name) => name.startsWith("valkey"));
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
    await elsewhereThanFirst();
    const key = "nr:before-the-crash";
    const client = group.client();
    // A transaction, as scripts write it to the append-only file.
    await client.multi().set(key, "kept").set(`${key}:too`, "kept").exec();
    expect(await client.wait(2, 2000)).toBe(2);
    await Promise.all(MEMBERS.map((name) => group.lab.container(name).kill({ signal: "KILL" })));
    const down = await Promise.all(MEMBERS.map((name) => group.lab.container(name).inspect()));
    expect(down.every((state) => !state.State.Running)).toBe(true);
    // The worst order: the node that was primary first of all comes back before all others.
    for (const name of MEMBERS) await group.lab.container(name).start();
    await group.settled();
    expect(await until("the value", () => group.client().get(key))).toBe("kept");
  });

  it("comes back one node after the other, although the first one is not who led last", async () => {
    await elsewhereThanFirst();
    const key = "nr:before-the-stop";
    const client = group.client();
    await client.set(key, "kept");
    expect(await client.wait(2, 2000)).toBe(2);
    for (const name of [...MEMBERS].reverse()) await group.lab.container(name).stop({ t: 30 });
    for (const name of MEMBERS) {
      await group.lab.container(name).start();
      if (name.startsWith("valkey")) await group.lab.healthy(name, 60);
    }
    await group.settled();
    expect(await until("the value", () => group.client().get(key))).toBe("kept");
  });
});
