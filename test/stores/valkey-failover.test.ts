import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freeze } from "../support/containers.ts";
import { report, waits } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { expectNothingLost, ValkeyWrites } from "./support/valkey-writes.ts";

const group = new ValkeyGroup();
const writes = new ValkeyWrites(group);

beforeAll(() => group.open(), 120_000);
afterAll(() => group.close());

/** Waits until the Sentinels call another node primary. */
async function switched(from: number, seconds = 20) {
  await until("another primary", async () => (await group.primary()) !== from, {
    seconds,
    every: 100,
  });
}

describe("a Valkey group", () => {
  it("fails over when its primary is killed, and loses nothing acknowledged", async () => {
    const { before, after, result, missing } = await writes.underFault(async (primary) => {
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
      const { before, after, result, missing } = await writes.underFault(async (primary) => {
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
    const { result, missing } = await writes.underFault(async (primary) => {
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
    const { before, after, result, missing } = await writes.underFault(async (primary) => {
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
    const { result, missing } = await writes.underFault(async (primary) => {
      await Promise.all(sentinels.map((sentinel) => sentinel.stop({ t: 10 })));
      const ms = await group.stop(primary);
      report("Valkey primary without Sentinels asked to end → ended", ms, "ms", waits(3000));
      await group.lab.container(`valkey-${primary}`).start();
      await Promise.all(sentinels.map((sentinel) => sentinel.start()));
    });
    expectNothingLost(missing, result);
  });

  it("fails over when its primary hangs, which then comes back as a replica", async () => {
    const { before, after, result, missing } = await writes.underFault(async (primary) => {
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
    const { result, missing } = await writes.underFault(async (primary) => {
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
    const { before, after, result, missing } = await writes.underFault(async (primary) => {
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
    const { before, after, result, missing } = await writes.underFault(async (primary) => {
      const wipe = "rm -rf /data/appendonlydir /data/appendonly.aof /data/dump.rdb";
      await group.lab.run(`valkey-${primary}`, ["sh", "-c", wipe]);
      await group.lab.container(`valkey-${primary}`).kill({ signal: "KILL" });
      await group.lab.container(`valkey-${primary}`).start();
      await switched(primary);
    });
    expect(after).not.toBe(before);
    expectNothingLost(missing, result);
  });
});
