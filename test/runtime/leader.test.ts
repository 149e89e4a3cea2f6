import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { report } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { settingsOf } from "./support/context.ts";
import { addUser, Editor } from "./support/editor.ts";
import { type Runtime, type RuntimeOptions, start } from "./support/runtime.ts";
import { Sink } from "./support/sink.ts";

const database = "leader";
/** What the store keeps a lock for: the nodes of these tests have the usual TTL of 10 s. */
const LEASE_MS = 2400;
const at = { z: "t", x: 1, y: 1 };
/** A silent leader is followed after this, in milliseconds, by its node's own TTL. */
const TTL_MS = 10_000;
/** Between two reports of a leader, in milliseconds: silences are longer by up to that. */
const PULSE_MS = 25;
const CRASHED = { atMost: 3000 + PULSE_MS };

/** A job that runs on every worker, again and again, and goes on behind a leader node. */
function job(name: string, everyMs: number, lockTTL: number, outputs: string[][]): FlowNode[] {
  return [
    {
      ...{ id: `${name}-tick`, type: "inject", props: [{ p: "payload" }], payloadType: "date" },
      ...{ repeat: String(everyMs / 1000), once: true, onceDelay: 0.1, wires: [[name]], ...at },
    },
    { id: name, type: "cluster-leader", lockKey: "job", lockTTL, wires: outputs, ...at },
  ];
}

/** The leader reports to the sink with its fencing number, followers now and then without one. */
function flows(sink: string, lockTTL = TTL_MS / 1000): FlowNode[] {
  const reporter = (id: string) =>
    ({
      ...{ id, type: "function", outputs: 1, wires: [["post"]], ...at },
      func: "msg.payload = { worker: cluster.workerId, fence: msg.fence, role: cluster.type }; return msg;",
    }) as FlowNode;
  return [
    tab("t"),
    ...job("lead", PULSE_MS, lockTTL, [["yes"], []]),
    ...job("follow", 500, lockTTL, [[], ["no"]]),
    reporter("yes"),
    reporter("no"),
    { id: "post", type: "http request", method: "POST", ret: "txt", url: sink, wires: [], ...at },
    ...asked("asked", { lockKey: "job", lockTTL }),
    ...asked("plain", {}),
    { id: "in", type: "http in", url: "/release", method: "get", wires: [["release"]], ...at },
    { id: "release", type: "release-cluster-leader", lockKey: "job", wires: [["out"]], ...at },
    { id: "out", type: "http response", wires: [], ...at },
  ];
}

/** `GET /<id>` answers what a message is behind a leader node, and the dot that its worker shows for it. */
function asked(id: string, fields: object): FlowNode[] {
  const behind = (output: number): FlowNode => ({
    ...{ id: `${id}-${output}`, type: "function", outputs: 1, wires: [[`${id}-out`]], ...at },
    func: `const { isLeader, lockKey, fence } = msg;
      msg.payload = { output: ${output}, isLeader, lockKey, fence, dot: flow.get("${id}") };
      return msg;`,
  });
  return [
    { id: `${id}-in`, type: "http in", url: `/${id}`, method: "get", wires: [[id]], ...at },
    { id, type: "cluster-leader", wires: [[`${id}-1`], [`${id}-2`]], ...fields, ...at },
    behind(1),
    behind(2),
    { id: `${id}-out`, type: "http response", wires: [], ...at },
    { id: `${id}-dot`, type: "status", scope: [id], wires: [[`${id}-keep`]], ...at },
    {
      ...{ id: `${id}-keep`, type: "function", outputs: 0, wires: [], ...at },
      func: `const { fill, shape, text } = msg.status; flow.set("${id}", { fill, shape, text });`,
    },
  ];
}

/** What a worker answers for {@link asked}. */
interface Answer {
  readonly output: number;
  readonly isLeader: boolean;
  readonly lockKey: string;
  readonly fence?: number;
  readonly dot?: { readonly fill: string; readonly shape: string; readonly text: string };
}

const LEADER = { fill: "green", shape: "dot", text: "leader" };
const FOLLOWER = { fill: "yellow", shape: "ring", text: "follower" };

async function answerOf({ url, worker }: Runtime, id: string): Promise<Answer> {
  const answer = await fetch(`${url}${worker === "editor" ? "/red-nodes" : ""}/${id}`);
  return (await answer.json()) as Answer;
}

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
    const runtime = await start({ ...common, role: "replica", worker, ...more });
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
    expect(new Set(sink.accepted.slice(from).map((deed) => deed.worker))).toEqual(
      new Set([worker]),
    );
    expect(sink.followers.has(worker)).toBe(false);
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
    const url = old.worker === "editor" ? `${old.url}/red-nodes` : old.url;
    expect((await fetch(`${url}/release`)).status).toBe(200);
    const { worker, gapMs } = await successor(old);
    expect(worker).not.toBe(old.worker);
    expect(sink.last?.fence).toBeGreaterThan(fence);
    report("leader handed over by a message: nobody heard for", gapMs, "ms");
  });

  it("hands over when it stops by itself", async () => {
    const old = await leader();
    await old.signal("SIGTERM");
    const { gapMs } = await successor(old);
    expect(await old.ended()).toBe(0);
    report("leader ended cleanly: nobody heard for", gapMs, "ms");
    await old.remove();
    await join(old.worker, { role: old.worker === "editor" ? "editor" : "replica" });
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
    for (const answer of await everywhere("asked")) {
      expect(answer).toMatchObject({ output: 2, isLeader: false, lockKey: "job" });
      expect(answer.dot).toEqual({
        fill: "red",
        shape: "ring",
        text: expect.stringContaining(" "),
      });
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
        return found.every(({ dot }) => dot && dot.fill !== "red") && found;
      });
      const lead = answers.filter(({ isLeader }) => isLeader);
      expect(lead).toEqual([
        { output: 1, isLeader: true, lockKey, fence: expect.any(Number), dot: LEADER },
      ]);
      const follow = { output: 2, isLeader: false, lockKey, dot: FOLLOWER };
      expect(answers.filter(({ isLeader }) => !isLeader)).toEqual([follow, follow, follow]);
    }
    expect(await client.pttl(`${common.valkey?.prefix}leader:nodered:leader`)).toBeGreaterThan(0);
  });
});
