import type { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freeze } from "../support/containers.ts";
import { primaryOf, ReplicaSet, statesOf } from "../support/replica-set.ts";
import { report, waits } from "../support/report.ts";
import { pause, until } from "../support/wait.ts";
import { lost, Writers } from "../support/writers.ts";

const set = new ReplicaSet();
const HOSTS = 5;
let client: MongoClient;
let round = 0;

beforeAll(async () => {
  await set.open(3);
  const { code, log } = await set.initiate(3);
  expect(code, log).toBe(0);
  client = set.client(HOSTS);
}, 120_000);

afterAll(async () => {
  await client?.close();
  await set.close();
});

/** Does something while clients write with the set's default concern; what they saw. */
async function underFault(fault: (primary: number) => Promise<void>) {
  round += 1;
  const before = await primaryOf(client);
  const documents = client.db("test").collection<{ _id: number }>(`round${round}`);
  const write = (_id: number) => documents.insertOne({ _id });
  const writers = new Writers(write, { workers: 4, paceMs: 20 });
  await until("some writes", () => writers.count > 30);
  await fault(before);
  await until("a primary", async () => (await primaryOf(client)) >= 0, { seconds: 90 });
  const count = writers.count;
  await until("writes after the fault", () => writers.count > count + 30, { seconds: 60 });
  const result = await writers.stop();
  const present = await documents.distinct("_id", {}, { readConcern: { level: "majority" } });
  expect(lost(result, present)).toEqual([]);
  expect(result.acknowledged.length).toBeGreaterThan(60);
  return { before, after: await primaryOf(client), result };
}

/** Waits until another member is primary. */
async function elected(from: number) {
  const moved = async () => (await primaryOf(client)) !== from;
  await until("another primary", moved, { seconds: 60, every: 100 });
}

/** Waits until this many members are steady again, one of them primary. */
async function steady(members: number) {
  await until(
    "a steady set",
    async () => {
      const states = Object.values(await statesOf(client)).sort();
      const wanted = ["PRIMARY", ...Array.from({ length: members - 1 }, () => "SECONDARY")];
      return JSON.stringify(states) === JSON.stringify(wanted);
    },
    { seconds: 60 },
  );
}

describe("a replica set", () => {
  it("loses nothing acknowledged when its primary is killed, and has another soon", async () => {
    const { before, after, result } = await underFault(async (primary) => {
      await set.lab.container(`mongodb-${primary}`).kill({ signal: "KILL" });
      await elected(primary);
      // DNS has forgotten it; the others still know where it was, at once.
      const asked = ["getent", "ahostsv4", set.member(primary)];
      const answer = await set.lab.run(`mongodb-${(primary + 1) % 3}`, asked);
      expect(answer).toContain(set.lab.address(10 + primary));
      await set.lab.container(`mongodb-${primary}`).start();
    });
    expect(after).not.toBe(before);
    report("MongoDB primary killed: longest gap of writes", result.gapMs, "ms", waits(15_000));
    await steady(3);
  });

  it("hands over when its primary is stopped, which ends cleanly and in time", async () => {
    const { before, after, result } = await underFault(async (primary) => {
      const container = set.lab.container(`mongodb-${primary}`);
      const started = Date.now();
      await container.stop({ t: 60 });
      report("mongodb.stop", Date.now() - started, "ms");
      expect((await container.inspect()).State.ExitCode).toBe(0);
      await elected(primary);
      await container.start();
    });
    expect(after).not.toBe(before);
    report("MongoDB primary stopped: longest gap of writes", result.gapMs, "ms", waits(5000));
    await steady(3);
  });

  it("has one primary only, and all that was acknowledged, after its primary hung", async () => {
    const { before, after, result } = await underFault(async (primary) => {
      const container = set.lab.container(`mongodb-${primary}`);
      await freeze(container);
      await elected(primary);
      await pause(3000);
      await container.unpause();
    });
    expect(after).not.toBe(before);
    report("MongoDB primary hung: longest gap of writes", result.gapMs, "ms", waits(30_000));
    await steady(3);
  });

  it("comes back by itself with all its data after all members were killed at once", async () => {
    const names = [0, 1, 2].map((member) => `mongodb-${member}`);
    const before = (await client.db("admin").command({ replSetGetConfig: 1 })).config;
    const { result } = await underFault(async () => {
      await Promise.all(names.map((name) => set.lab.container(name).kill({ signal: "KILL" })));
      const down = await Promise.all(names.map((name) => set.lab.container(name).inspect()));
      expect(down.map((state) => state.State.Running)).toEqual([false, false, false]);
      await Promise.all(names.map((name) => set.lab.container(name).start()));
    });
    report("all MongoDB members killed: longest gap of writes", result.gapMs, "ms", waits(60_000));
    const after = (await client.db("admin").command({ replSetGetConfig: 1 })).config;
    expect(after.version).toBe(before.version);
    await steady(3);
  });

  it("grows from three members to five and shrinks back under writes, one change at a time", async () => {
    const { result } = await underFault(async () => {
      await set.startMembers([3, 4]);
      const grown = await set.initiate(5);
      expect(grown.code, grown.log).toBe(0);
      const added = grown.events.filter((entry) => entry.event === "member-add");
      expect(added.map((entry) => entry.host)).toEqual(set.hosts(5).slice(3));
      await steady(5);
      // The member that is to go is primary: it has to hand over first.
      const { config } = await client.db("admin").command({ replSetGetConfig: 1 });
      config.members[4].priority = 10;
      config.version += 1;
      await client.db("admin").command({ replSetReconfig: config });
      await until("member 4 to be primary", async () => (await primaryOf(client)) === 4);
      const shrunk = await set.initiate(3);
      expect(shrunk.code, shrunk.log).toBe(0);
      const names = shrunk.events.map((entry) => entry.event);
      expect(names.filter((event) => event === "member-remove")).toHaveLength(2);
      expect(names).toContain("step-down");
      await set.lab.remove("mongodb-3", { data: true });
      await set.lab.remove("mongodb-4", { data: true });
    });
    expect(Object.keys(await statesOf(client))).toEqual(["0", "1", "2"]);
    report(
      "MongoDB from 3 to 5 to 3 members: longest gap of writes",
      result.gapMs,
      "ms",
      waits(15_000),
    );
  });
});
