import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { median } from "../bench/measure.ts";
import { freeze } from "../support/containers.ts";
import { tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { report, waits } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { freshPrefix, settingsOf } from "./support/context.ts";
import { addUser, Editor } from "./support/editor.ts";
import { farthest, JUMPING_CLOCK } from "./support/jumping-clock.ts";
import {
  type Answer,
  asked,
  leaderFlows as flows,
  PULSE_MS,
  TTL_MS,
} from "./support/leader-flows.ts";
import { type Runtime, type RuntimeOptions, start } from "./support/runtime.ts";
import { Sink } from "./support/sink.ts";

const database = "leader";
/** What the store keeps a lock for: the nodes of these tests have the usual TTL of 10 s. */
const LEASE_MS = 2400;
const CRASHED = waits(3000 + PULSE_MS);
const ENDED_CLEANLY = waits(100 + PULSE_MS);
/** Their own clocks jump by hours all the while: nothing here may depend on them. */
const WITH_JUMPING_CLOCK = ["editor", "r1"];

async function ask<Found>({ url, worker }: Runtime, id: string): Promise<Found> {
  const answer = await fetch(`${url}${worker === "editor" ? "/red-nodes" : ""}/${id}`);
  return (await answer.json()) as Found;
}

const answerOf = (runtime: Runtime, id: string) => ask<Answer>(runtime, id);

describe("leaders", () => {
  let mongodb: LocalReplicaSet;
  let group: ValkeyGroup;
  const sink = new Sink();
  const workers = new Map<string, Runtime>();
  let client: Redis;
  let sinkUrl: string;
  let person: Editor;
  let common: Pick<RuntimeOptions, "uri" | "database" | "valkey">;
  const lockKey = () => `${common.valkey?.prefix}leader:job`;

  const join = async (worker: string, more: Partial<RuntimeOptions> = {}) => {
    const flags = WITH_JUMPING_CLOCK.includes(worker) ? JUMPING_CLOCK : [];
    const runtime = await start({ ...common, role: "replica", worker, flags, ...more });
    workers.set(worker, runtime);
    return runtime;
  };
  const leader = async (): Promise<Runtime> => {
    const since = performance.now();
    const fresh = () => sink.last && sink.last.at > since && sink.last;
    const { worker } = await until("somebody leads", fresh, { seconds: 60, every: 10 });
    return workers.get(worker) as Runtime;
  };
  /** Waits for another leader than `old`; answers how long nobody was heard. */
  const successor = async (old: Runtime) => {
    const before = sink.last?.at ?? 0;
    const found = await until(
      `another leader than ${old.worker}`,
      () => sink.accepted.find((deed) => deed.at >= before && deed.worker !== old.worker),
      { seconds: 60, every: 5 },
    );
    const last = sink.accepted.findLast((deed) => deed.worker === old.worker && deed.at < found.at);
    return { worker: found.worker, gapMs: Math.round(found.at - (last?.at ?? 0)) };
  };

  /** What every worker answers for {@link asked}. */
  const everywhere = (id: string) =>
    Promise.all([...workers.values()].map((runtime) => answerOf(runtime, id)));

  beforeAll(async () => {
    sinkUrl = await sink.open();
    [mongodb, group] = await Promise.all([startReplicaSet(), new ValkeyGroup().open()]);
    await addUser(mongodb.client, database, "admin");
    common = { uri: mongodb.uri, database, valkey: settingsOf(group) };
    client = group.client("app");
    const editor = await join("editor", { role: "editor" });
    person = await Editor.login(editor);
    await person.load();
    await person.deploy(flows(sinkUrl));
    // The editor takes part as well; it leads until it is told not to.
    await Promise.all([join("r0"), join("r1"), join("r2", { major: 4 })]);
  });
  afterAll(async () => {
    client?.disconnect();
    await Promise.all([...workers.values()].map((runtime) => runtime.remove()));
    await Promise.all([sink.close(), group?.close(), mongodb?.close()]);
  });
  beforeEach(() => {
    sink.refused.length = 0;
    sink.followers.clear();
  });

  it("has one leader, who stays; all others follow", async () => {
    const { worker } = await leader();
    await until("three follow", () => sink.followers.size === 3);
    const from = sink.accepted.length;
    await until("it goes on", () => sink.accepted.length > from + 20);
    // Several jumps of the clocks.
    await pause(2000);
    expect(new Set(sink.accepted.slice(from).map((deed) => deed.worker))).toEqual(
      new Set([worker]),
    );
    expect(sink.followers.has(worker)).toBe(false);
    for (const name of WITH_JUMPING_CLOCK) {
      expect(farthest((await workers.get(name)?.logs()) ?? ""), name).toBeGreaterThan(1_800_000);
    }
  });

  it("keeps the lock for as long as a changed node says", async () => {
    const isKept = (ms: number, what: string) =>
      until(what, async () => {
        const left = await client.pttl(lockKey());
        return left > 0 && left > ms - LEASE_MS && left <= ms;
      });
    await person.deploy(flows(sinkUrl, 30));
    await isKept(30_000, "the longer lease");
    await leader();
    await person.deploy(flows(sinkUrl));
    await isKept(LEASE_MS, "the usual lease");
    await leader();
  });

  it("is handed over by a message, with a higher number", async () => {
    const old = await leader();
    const { fence } = sink.last ?? { fence: 0 };
    expect(await ask(old, "release")).toEqual({
      ...{ lockReleased: true, releasedBy: old.worker, currentLeader: null, lockKey: "job" },
    });
    const { worker, gapMs } = await successor(old);
    expect(worker).not.toBe(old.worker);
    expect(sink.last?.fence).toBeGreaterThan(fence);
    await until(`${old.worker} knows who leads now`, async () => {
      const { leaderHost } = await answerOf(old, "asked");
      return leaderHost === worker;
    });
    report("leader handed over by a message: nobody heard for", gapMs, "ms");
  });

  it("hands over when it stops by itself", async () => {
    const gaps: number[] = [];
    for (let round = 0; round < 3; round++) {
      const old = await leader();
      await old.signal("SIGTERM");
      gaps.push((await successor(old)).gapMs);
      expect(await old.ended()).toBe(0);
      await old.remove();
      await join(old.worker, { role: old.worker === "editor" ? "editor" : "replica" });
    }
    // It is so short that one of them may just have met other work of the machine.
    report("leader ended cleanly: nobody heard for", median(gaps), "ms", ENDED_CLEANLY);
  });

  it("is followed when it is killed", async () => {
    const old = await leader();
    await old.signal("SIGKILL");
    const { gapMs } = await successor(old);
    report("leader killed: nobody heard for", gapMs, "ms", CRASHED);
    await old.remove();
    await join(old.worker, { role: old.worker === "editor" ? "editor" : "replica" });
  });

  it("does nothing that counts after it was stopped for twice its lease, or twice its TTL", async () => {
    for (const ms of [2 * LEASE_MS, 2 * TTL_MS]) {
      const old = await leader();
      await old.pause();
      const { worker } = await successor(old);
      const paused = performance.now();
      await pause(ms);
      await old.resume();
      await pause(1000);
      const later = sink.accepted.filter((deed) => deed.at > paused);
      expect(new Set(later.map((deed) => deed.worker))).toEqual(new Set([worker]));
    }
  });

  it("gives each number to one worker, also when the store's clock jumps ahead", async () => {
    const { fence: first = 0 } = sink.last ?? {};
    for (let round = 0; round < 3; round++) {
      await leader();
      // The lease is over for the store long before it is for the leader.
      await client.pexpire(lockKey(), 1);
      await pause(LEASE_MS / 2);
    }
    await leader();
    expect(sink.last?.fence).toBeGreaterThan(first);
    const deeds = [...sink.accepted, ...sink.refused];
    const owners = new Map(deeds.map(({ fence, worker }) => [fence, worker]));
    expect(deeds.filter(({ fence, worker }) => owners.get(fence) !== worker)).toEqual([]);
  });

  it("is followed in time when the store's clock was set back", async () => {
    const old = await leader();
    await old.pause();
    // What a jump by an hour leaves of a lease.
    await client.pexpire(lockKey(), 3_600_000);
    const { gapMs } = await successor(old);
    await old.resume();
    // What it had begun when it was paused is over then.
    await until("the old leader follows", () => sink.followers.has(old.worker));
    report("clock of the leaders' store set back: nobody heard for", gapMs, "ms");
  });

  it("leads again after a failover of the store, and the numbers go on rising", async () => {
    await leader();
    const primary = await group.settled();
    const from = sink.accepted.length;
    await group.lab.container(`valkey-${primary}`).kill({ signal: "KILL" });
    await until("another primary", async () => (await group.primary()) !== primary, {
      seconds: 40,
    });
    await leader();
    await pause(1000);
    const fences = sink.accepted.slice(from).map((deed) => deed.fence);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(sink.refused).toEqual([]);
    await group.lab.container(`valkey-${primary}`).start();
    await group.settled();
  });

  it("has no leader while all of Valkey is away, says so, and has one again by itself", async () => {
    await group.settled();
    await leader();
    const from = sink.accepted.length;
    const members = [0, 1, 2].flatMap((member) => [`valkey-${member}`, `sentinel-${member}`]);
    const containers = members.map((member) => group.lab.container(member));
    await Promise.all(containers.map((member) => member.kill({ signal: "KILL" })));
    await pause(LEASE_MS);
    const before = sink.accepted.length;
    sink.followers.clear();
    await until("all four follow", () => sink.followers.size === workers.size);
    const answers = await until("all four say why", async () => {
      const found = await everywhere("asked");
      return found.every(({ dot }) => dot?.fill === "red") && found;
    });
    for (const answer of answers) {
      expect(answer).toMatchObject({
        output: 2,
        isLeader: false,
        leaderHost: null,
        lockKey: "job",
      });
      expect(answer.dot).toMatchObject({ shape: "ring", text: expect.stringContaining(" ") });
    }
    expect(sink.accepted.length).toBe(before);
    const back = performance.now();
    await Promise.all(containers.map((member) => member.start()));
    await leader();
    report("leader after all of Valkey was away", performance.now() - back, "ms");
    await group.settled();
    const deeds = [...sink.accepted.slice(from), ...sink.refused];
    const owners = new Map(deeds.map(({ fence, worker }) => [fence, worker]));
    expect(deeds.filter(({ fence, worker }) => owners.get(fence) !== worker)).toEqual([]);
    expect(sink.refused).toEqual([]);
  });

  it("says on each worker what it is: output, message properties, and the node's dot", async () => {
    for (const [id, lockKey] of [
      ["asked", "job"],
      ["plain", "nodered:leader"],
    ] as const) {
      const answers = await until("each worker shows what it is", async () => {
        const found = await everywhere(id);
        return found.every(({ dot }) => dot && ["green", "yellow"].includes(dot.fill)) && found;
      });
      const names = [...workers.keys()];
      const leaderHost = names.filter((_, index) => answers[index]?.isLeader)[0] as string;
      const lead = {
        ...{ output: 1, isLeader: true, leaderHost, lockKey, fence: expect.any(Number) },
        dot: { fill: "green", shape: "dot", text: `leader (${leaderHost})` },
      };
      const follow = (followerHost: string) => ({
        ...{ output: 2, isLeader: false, leaderHost, followerHost, lockKey },
        dot: { fill: "yellow", shape: "ring", text: `follower (leader: ${leaderHost})` },
      });
      expect(answers).toEqual(names.map((name) => (name === leaderHost ? lead : follow(name))));
    }
    expect(await client.pttl(`${common.valkey?.prefix}leader:nodered:leader`)).toBeGreaterThan(0);
  });

  it("ends in time when it leads and the store of its lock hangs", async () => {
    await group.settled();
    const old = await leader();
    const containers = [0, 1, 2].map((member) => group.lab.container(`valkey-${member}`));
    await Promise.all(containers.map(freeze));
    const asked = performance.now();
    await old.signal("SIGTERM");
    expect(await old.ended()).toBe(0);
    report("leader asked to end while Valkey hangs → ended", performance.now() - asked, "ms");
    await Promise.all(containers.map((member) => member.unpause()));
    await group.settled();
    await old.remove();
    await join(old.worker, { role: old.worker === "editor" ? "editor" : "replica" });
  });

  it("shares a lock with no other cluster on the same servers", async () => {
    const { worker } = await leader();
    const { fence } = sink.last ?? {};
    const beside = `${database}-2`;
    await addUser(mongodb.client, beside, "admin");
    const valkey = { ...settingsOf(group), prefix: freshPrefix() };
    const theirs = await start({ uri: mongodb.uri, database: beside, valkey, role: "editor" });
    const stranger = await Editor.login(theirs);
    await stranger.load();
    await stranger.deploy([tab("t"), ...asked("asked", { lockKey: "job" })]);
    await until("it leads there", async () => (await answerOf(theirs, "asked")).isLeader);
    // It hands its lock over to nobody, least of all to a worker of this cluster.
    await theirs.signal("SIGTERM");
    await theirs.ended();
    await theirs.remove();
    await leader();
    expect(sink.last).toMatchObject({ worker, fence });
  });
});
