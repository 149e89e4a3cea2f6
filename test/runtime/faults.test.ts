import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { answering, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { report, waits } from "../support/report.ts";
import { probeMongodb, returns, type StoreProbe } from "../support/store-probe.ts";
import { pause, until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { expectNothingLost, startLoad } from "./support/load.ts";
import { metric } from "./support/metrics.ts";
import { launch, type Runtime, start } from "./support/runtime.ts";

const database = "faults";
const flows = (mark: string) => [
  tab("t"),
  ...answering("t", "a", "/a", `msg.payload = "${mark}";`),
];
const MEMBERS = [0, 1, 2];
/** From the return of the store to the newest revision on the replica, in milliseconds. */
const CONVERGENCE = waits(5000);

describe("faults of the flow store", () => {
  let mongodb: LocalReplicaSet;
  let editor: Runtime;
  let replica: Runtime;
  let person: Editor;
  let probe: StoreProbe;

  beforeAll(async () => {
    mongodb = await startReplicaSet();
    await addUser(mongodb.client, database, "admin");
    const common = { uri: mongodb.uri, database };
    [editor, replica] = await Promise.all([
      start({ ...common, role: "editor" }),
      // Nothing but the change stream may bring the news in these tests.
      start({ ...common, role: "replica", environment: { REDFLEET_POLL_SECONDS: "3600" } }),
    ]);
    person = await Editor.login(editor);
    await person.load();
    await replica.reaches(await person.deploy(flows("first")));
    probe = probeMongodb(mongodb.members(), "probe");
  });
  afterAll(async () => {
    await probe?.stop();
    await Promise.all([editor?.remove(), replica?.remove()]);
    await mongodb?.close();
  });

  /** Every member runs, and nothing that a test before has begun is still on its way. */
  beforeEach(async () => {
    await Promise.all(MEMBERS.map((member) => mongodb.revive(member)));
    await until("the set is whole", async () => (await healthyMembers()) === 3, { seconds: 60 });
    const stored = await mongodb.client.db(database).collection("flows").findOne({});
    await editor.reaches(stored?.revision, 30);
    await replica.reaches(stored?.revision, 30);
    await person.load();
  });

  /** Deploys until the store takes it. */
  const deployed = (mark: string) =>
    until(
      `the deploy of ${mark} is stored`,
      async () => {
        await person.load();
        const answer = await person.tryDeploy(flows(mark));
        if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
        return true;
      },
      { seconds: 40 },
    );
  const serves = (mark: string) =>
    until(
      `the replica serves ${mark}`,
      async () => (await (await fetch(`${replica.url}/a`)).text()) === mark,
      { every: 25 },
    );

  const breaks = () => metric(replica, "store_breaks_total");
  /** However often it was tried to end it. A look that takes long on a busy machine may count as another. */
  const expectOneBreak = async (before: number) => {
    const seen = (await breaks()) - before;
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(3);
  };

  /** Deploys all the while from a fault on, and measures from the moment the store takes writes again. */
  async function converges(mark: string, fault: () => Promise<unknown>): Promise<void> {
    const begin = performance.now();
    await fault();
    await deployed(mark);
    await serves(mark);
    const served = performance.now();
    const back = await until(
      "the probe saw the store return",
      () => returns(probe.times, begin)[0],
    );
    report(
      `flow store away, "${mark}" deployed: newest revision on the replica`,
      // The replica may be faster than the probe.
      Math.max(0, served - back),
      "ms",
      CONVERGENCE,
    );
  }

  it("converges after the primary was killed, more than once", async () => {
    for (const mark of ["second", "third"]) {
      const load = startLoad(`${replica.url}/a`, 2);
      const primary = await mongodb.primary();
      const before = await breaks();
      await converges(mark, () => mongodb.kill(primary));
      expectNothingLost([await load.stop()]);
      await expectOneBreak(before);
      await mongodb.revive(primary);
      await until("the set is whole", async () => (await healthyMembers()) === 3, { seconds: 60 });
    }
  });

  it("converges after the primary hung", async () => {
    const primary = await mongodb.primary();
    await converges("hung", () => mongodb.pause(primary));
    await mongodb.revive(primary);
    await until("the set is whole", async () => (await healthyMembers()) === 3, { seconds: 60 });
    const stored = await mongodb.client.db(database).collection("flows").findOne({});
    expect(stored?.flows).toContain("hung");
  });

  it("serves with the whole store away, refuses deploys clearly, and catches up", async () => {
    const before = await breaks();
    await Promise.all(MEMBERS.map((member) => mongodb.kill(member)));
    const load = startLoad(`${replica.url}/a`, 2);
    const answer = await person.tryDeploy(flows("lost"));
    expect(answer.status).toBe(503);
    expect(((await answer.json()) as { message: string }).message).toMatch(/flow store/);
    expect((await fetch(`${editor.url}/red-nodes/a`)).status).toBe(200);
    expect((await fetch(`${replica.health}/readyz`)).status).toBe(200);
    await converges("back", () => Promise.all(MEMBERS.map((member) => mongodb.revive(member))));
    const result = await load.stop();
    expectNothingLost([result]);
    expect(result.ok).toBeGreaterThan(100);
    await expectOneBreak(before);
  });

  it("starts without the store, says so, and serves as soon as it is there", async () => {
    for (const member of MEMBERS) await mongodb.kill(member);
    const late = await launch({ uri: mongodb.uri, database, role: "replica", worker: "late" });
    try {
      await until("it says what is wrong", async () =>
        /does not answer yet/.test(await late.logs()),
      );
      expect((await fetch(`${late.health}/healthz`)).status).toBe(200);
      expect((await fetch(`${late.health}/readyz`)).status).toBe(503);
      for (const member of MEMBERS) await mongodb.revive(member);
      const ready = async () => (await fetch(`${late.health}/readyz`)).ok;
      await until("it is ready", ready, { seconds: 90 });
      expect(await (await fetch(`${late.url}/a`)).text()).toBe("back");
    } finally {
      await late.remove();
    }
  });

  it("keeps the old revision when the credential secret is another one, and says why", async () => {
    const { revision } = await editor.status();
    const other = await launch({
      uri: mongodb.uri,
      database,
      role: "replica",
      worker: "x",
      secret: "?",
    });
    try {
      const withCredentials = [
        ...flows("sealed"),
        {
          id: "r",
          type: "http request",
          z: "t",
          x: 1,
          y: 1,
          wires: [],
          credentials: { user: "u" },
        },
      ];
      await until("it follows", async () => (await other.status()).revision === revision);
      await person.load();
      await person.deploy(withCredentials);
      await serves("sealed");
      await until("it reports", async () => /decrypt/.test((await other.status()).error ?? ""));
      expect(await (await fetch(`${other.url}/a`)).text()).toBe("back");
      expect((await fetch(`${other.health}/readyz`)).status).toBe(200);
    } finally {
      await other.remove();
    }
  });

  it("takes another revision of the same number: a store may lose the newest and count on", async () => {
    const { revision } = await replica.status();
    const other = { flows: JSON.stringify(flows("counted on")), writeId: "another" };
    const stored = mongodb.client.db(database).collection("flows");
    const newest = await stored.findOne({});
    await stored.replaceOne({ _id: newest?._id }, { ...newest, ...other });
    await serves("counted on");
    expect((await replica.status()).revision).toBe(revision);
    await deployed("after");
    await serves("after");
  });

  async function healthyMembers(): Promise<number> {
    const { members } = await mongodb.client.db("admin").command({ replSetGetStatus: 1 });
    const good = (members as { stateStr: string }[]).filter(({ stateStr }) =>
      ["PRIMARY", "SECONDARY"].includes(stateStr),
    );
    await pause(100);
    return good.length;
  }
});
