import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type FlowSet,
  type FlowStore,
  RevisionConflict,
} from "../../images/node-red/runtime/store/types.ts";
import { pause, until } from "../support/wait.ts";
import { next } from "./support/store-contract.ts";
import { faultsSuite } from "./support/store-faults-suite.ts";
import { trialsSuite } from "./support/store-trials-suite.ts";
import { BACKENDS, HISTORY } from "./support/stores.ts";

/** Flows of about this size, as people write them. */
function flowsOf(megabytes: number): string {
  const node = (index: number) => ({
    id: randomBytes(8).toString("hex"),
    type: "function",
    z: `tab-${index % 50}`,
    name: `step ${index}`,
    func: `// step ${index}\nmsg.payload = { value: ${Math.random()} };\nreturn msg;`,
    wires: [[randomBytes(8).toString("hex")]],
  });
  const count = Math.ceil((megabytes * 1024 * 1024) / JSON.stringify(node(1000)).length);
  return JSON.stringify(Array.from({ length: count }, (_, index) => node(index)));
}

describe.each(BACKENDS)("flow store on %s", (_, makeBackend) => {
  const backend = makeBackend();
  let store: FlowStore;
  let name: string;
  const opened: FlowStore[] = [];
  const open = async (data = name) => {
    const another = backend.open(data);
    opened.push(another);
    await another.connect(AbortSignal.timeout(20_000));
    return another;
  };
  const given = { store: () => store, open };

  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  beforeEach(async () => {
    name = `store-${randomUUID().slice(0, 8)}`;
    store = await open();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
  });

  it("is empty at first", async () => {
    expect(await store.read()).toBeNull();
    expect(await store.readDocument("settings")).toBeUndefined();
    expect(await store.readLibrary("flows", "/")).toEqual([]);
    expect(await store.workers()).toEqual([]);
    expect(await store.findUser("nobody")).toBeNull();
  });

  it("keeps flows, credentials and their order of keys, in one revision", async () => {
    const wanted = { ...next("a"), flows: '[{"z":1,"a":{"y":2,"b":3}}]' };
    const saved = await store.commit(0, wanted);
    expect(saved.revision).toBe(1);
    expect(await store.read()).toMatchObject({ ...wanted, revision: 1, at: expect.any(Date) });
  });

  it("counts revisions up by one", async () => {
    for (const revision of [1, 2, 3]) {
      expect((await store.commit(revision - 1, next(String(revision)))).revision).toBe(revision);
    }
  });

  it("refuses a save on an old revision and keeps what is stored", async () => {
    await store.commit(0, next("a"));
    await store.commit(1, next("b"));
    const late = store.commit(1, next("late"));
    await expect(late).rejects.toBeInstanceOf(RevisionConflict);
    await expect(late).rejects.toMatchObject({ expected: 1, current: 2 });
    await expect(store.commit(0, next("first"))).rejects.toMatchObject({ current: 2 });
    expect((await store.read())?.flows).toContain('"b"');
  });

  it("shows whole flow sets to who reads it while somebody saves, never half a one, never none", async () => {
    const saved = [await store.commit(0, next("0"))];
    let saving = true;
    const read = async (reader: FlowStore) => {
      const seen: (FlowSet | null)[] = [];
      while (saving) {
        seen.push(await reader.read());
        // Who reads without end keeps a server from taking the saves.
        await pause(2);
      }
      return seen;
    };
    const reading = Promise.all((await Promise.all([open(), open()])).map(read));
    try {
      for (let revision = 1; revision <= 100; revision++) {
        // Every second one is long enough to be stored compressed.
        const mark = `${revision}`.padStart(revision % 2 === 0 ? 20_000 : 1, "-");
        saved.push(await store.commit(revision, next(mark)));
      }
    } finally {
      saving = false;
    }
    const seen = (await reading).flat();
    const kinds = new Set(seen.map((set) => set?.revision));
    expect(kinds.size).toBeGreaterThan(20);
    for (const set of seen) expect(set).toEqual(saved[(set?.revision ?? 0) - 1]);
  });

  it("gives each fencing number once, in rising order, for each name its own", async () => {
    const first = await store.nextFence("a");
    const rest = await Promise.all(Array.from({ length: 20 }, () => store.nextFence("a")));
    expect(new Set([first, ...rest]).size).toBe(21);
    expect(Math.min(...rest)).toBeGreaterThan(first);
    expect(await store.nextFence("a")).toBeGreaterThan(Math.max(...rest));
    expect(await store.nextFence("b")).toBeGreaterThan(0);
  });

  it("lets exactly one of many writers win", async () => {
    await store.commit(0, next("a"));
    const others = await Promise.all([open(), open(), open()]);
    const writers = [store, ...others];
    const results = await Promise.allSettled(
      writers.map((writer, index) => writer.commit(1, next(`w${index}`))),
    );
    const won = results.filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(1);
    const winner = (won[0] as PromiseFulfilledResult<FlowSet>).value;
    expect(await store.read()).toMatchObject({ revision: 2, writeId: winner.writeId });
  });

  it("takes a save once, whose answer was lost and that is sent again", async () => {
    await store.commit(0, next("a"));
    const same = next("b");
    expect((await store.commit(1, same)).revision).toBe(2);
    expect((await store.commit(1, same)).revision).toBe(2);
    expect((await store.history()).map(({ revision }) => revision)).not.toContain(3);
    expect((await store.commit(2, next("c"))).revision).toBe(3);
  });

  it("counts on from what it has left after it went back, and keeps no trace of the rest", async () => {
    await store.commit(0, next("kept"));
    const goBack = await backend.snapshot(name);
    await store.commit(1, next("lost 2"));
    await store.commit(2, next("lost 3"));
    const seen: string[] = [];
    const follower = await open();
    follower.watch({ onFlowSet: ({ flows }) => seen.push(flows) });
    await until("it follows", () => seen.length > 0);
    await goBack();
    await expect(store.commit(3, next("late"))).rejects.toMatchObject({ expected: 3, current: 1 });
    const { at } = (await store.read()) as FlowSet;
    const again = await store.commit(1, next("again 2"));
    expect(again.revision).toBe(2);
    expect(again.at.getTime()).toBeGreaterThan(at.getTime());
    await until("it is told", () => seen.at(-1)?.includes("again 2"));
    const kept = async () => (await store.history()).map(({ revision }) => revision).join();
    await until("the history is that of now", async () => (await kept()) === "2,1");
    expect((await store.readRevision(2))?.flows).toContain("again 2");
  });

  it("takes 20 MB, tells them to followers, and gives them back as they were", async () => {
    const large = { ...next("large"), flows: flowsOf(20) };
    expect(large.flows.length).toBeGreaterThan(20 * 1024 * 1024);
    const seen: FlowSet[] = [];
    const follower = await open();
    follower.watch({ onFlowSet: (set) => seen.push(set) });
    await store.commit(0, large);
    await store.commit(1, next("small"));
    await until("both are told", () => seen.at(-1)?.revision === 2);
    const kept = () => store.readRevision(1);
    const old = await until("it is in the history", kept);
    expect(old.flows === large.flows).toBe(true);
  });

  it("refuses what does not fit even compressed, with the sizes, and changes nothing", async () => {
    await store.commit(0, next("before"));
    const flows = JSON.stringify([randomBytes(24 * 1024 * 1024).toString("hex")]);
    const refused = store.commit(1, { ...next("a"), flows });
    await expect(refused).rejects.toThrow(/take \d+ bytes compressed; .* at most \d+/);
    expect(await store.read()).toMatchObject({ revision: 1, writeId: expect.any(String) });
    expect((await store.commit(1, next("after"))).revision).toBe(2);
  });

  it("keeps the newest revisions as history", async () => {
    for (let revision = 0; revision < 6; revision++)
      await store.commit(revision, next(`h${revision}`));
    const kept = async () => (await store.history()).map(({ revision }) => revision).join();
    await until("the history is pruned", async () => (await kept()) === "6,5,4");
    expect((await store.readRevision(5))?.flows).toContain("h4");
    expect(await store.readRevision(1)).toBeNull();
    expect((await store.history())[0]).toEqual({
      revision: 6,
      user: "somebody",
      at: expect.any(Date),
      digest: "d",
      writeId: expect.any(String),
    });
  });

  it("misses no revision in the history, whoever saved it", async () => {
    const other = await open();
    for (const [index, writer] of [store, other, store].entries()) {
      await writer.commit(index, next(`h${index}`));
    }
    expect(HISTORY).toBe(3);
    const kept = async () => (await store.history()).map(({ revision }) => revision).join();
    await until("all are there", async () => (await kept()) === "3,2,1");
    for (const [index, mark] of ["h0", "h1", "h2"].entries()) {
      expect((await store.readRevision(index + 1))?.flows).toContain(mark);
    }
  });

  it("tells followers of each revision, and of what was there before", async () => {
    await store.commit(0, next("before"));
    const seen: number[] = [];
    const follower = await open();
    follower.watch({ onFlowSet: ({ revision }) => seen.push(revision) });
    await until("the first", () => seen.includes(1));
    await store.commit(1, next("after"));
    await until("the second", () => seen.includes(2), { seconds: 5, every: 20 });
  });

  it("keeps documents with any keys apart", async () => {
    const settings = { "a.b": { $c: 1 }, nodes: [] };
    await store.writeDocument("settings", settings);
    await store.writeDocument("sessions", { "tok.en$": { user: "x" } });
    expect(await store.readDocument("settings")).toEqual(settings);
    expect(await store.readDocument("sessions")).toEqual({ "tok.en$": { user: "x" } });
  });

  it("forgets a document when its time is over", async () => {
    await store.writeDocument("sessions", { a: 1 }, new Date(Date.now() + 1500));
    expect(await store.readDocument("sessions")).toEqual({ a: 1 });
    const gone = async () => (await store.readDocument("sessions")) === undefined;
    await until("it is gone", gone, { seconds: 10 });
    await store.writeDocument("sessions", { b: 2 });
    await store.writeDocument("sessions", { c: 3 }, new Date(Date.now() - 1));
    expect(await store.readDocument("sessions")).toBeUndefined();
  });

  it("keeps the library by type, in folders", async () => {
    await store.writeLibrary("functions", "a/b/one.js", { outputs: 2 }, "return 1");
    await store.writeLibrary("functions", "a/two.js", {}, "return 2");
    await store.writeLibrary("functions", "ab.js", {}, "return 3");
    await store.writeLibrary("flows", "a/two", {}, "[]");
    expect(await store.readLibrary("functions", "/")).toEqual(["a", { fn: "ab.js" }]);
    expect(await store.readLibrary("functions", "a/")).toEqual(["b", { fn: "two.js" }]);
    expect(await store.readLibrary("functions", "a/b")).toEqual([{ fn: "one.js", outputs: 2 }]);
    expect(await store.readLibrary("functions", "a/b/one.js")).toBe("return 1");
    expect(await store.readLibrary("flows", "a/two")).toBe("[]");
    await expect(store.readLibrary("functions", "nothing.js")).rejects.toThrow("nothing.js");
  });

  it("takes a library's names literally", async () => {
    await store.writeLibrary("functions", "$where.js", {}, "1");
    await store.writeLibrary("functions", ".*", {}, "2");
    expect(await store.readLibrary("functions", ".*")).toBe("2");
    await expect(store.readLibrary("functions", ".+")).rejects.toThrow();
  });

  it("lists workers, with why one fails, until they leave", async () => {
    const report = { role: "replica", state: "running", revision: 4 } as const;
    await store.reportWorker({ ...report, worker: "r-0" });
    await store.reportWorker({ ...report, worker: "r-1", state: "error", error: "$bad: {a.b}" });
    expect(await store.workers()).toMatchObject([
      { worker: "r-0", revision: 4, lastSeen: expect.any(Date) },
      { worker: "r-1", error: "$bad: {a.b}" },
    ]);
    await store.reportWorker({ ...report, worker: "r-1", revision: 5 });
    await store.removeWorker("r-0");
    const left = await store.workers();
    expect(left).toMatchObject([{ worker: "r-1", revision: 5 }]);
    expect(left[0]).not.toHaveProperty("error");
  });

  it("keeps users, and what the platform gave them", async () => {
    const user = { username: "a.b$c", passwordHash: "h", role: "write" } as const;
    await store.writeUser({ ...user, provisionedHash: "p" });
    expect(await store.findUser("a.b$c")).toEqual({ ...user, provisionedHash: "p" });
    await store.writeUser({ ...user, role: "read" });
    expect(await store.findUser("a.b$c")).toEqual({ ...user, role: "read" });
    expect(await store.findUser("a")).toBeNull();
    expect(await store.users()).toContainEqual({ ...user, role: "read" });
    await store.removeUser("a.b$c");
    await store.removeUser("nobody");
    expect((await store.users()).map(({ username }) => username)).not.toContain("a.b$c");
  });

  trialsSuite(given);

  it("gives the turn to one worker at a time, until it is handed on or runs out", async () => {
    const all = ["a", "b", "c"];
    const taken = await Promise.all(all.map((worker) => store.takeTurn(worker, 60_000)));
    expect(new Set(taken).size, String(taken)).toBe(1);
    const [holder = ""] = taken;
    expect(all).toContain(holder);
    const [other = ""] = all.filter((worker) => worker !== holder);
    expect(await store.takeTurn(holder, 60_000)).toBe(holder);
    await store.endTurn(other);
    expect(await store.takeTurn(other, 60_000)).toBe(holder);
    await store.endTurn(holder);
    expect(await store.takeTurn(other, 1000)).toBe(other);
    expect(await store.takeTurn(holder, 1000)).toBe(other);
    const runOut = async () => (await store.takeTurn(holder, 60_000)) === holder;
    await until("the turn has run out", runOut, { every: 50 });
  });

  it("tells editors of changes of workers", async () => {
    let changes = 0;
    store.watch({ onFlowSet: () => {}, onWorker: () => (changes += 1) });
    const other = await open();
    await until("a change is told", async () => {
      await other.reportWorker({ worker: "r", role: "replica", state: "running", revision: null });
      await pause(50);
      return changes > 0;
    });
  });

  faultsSuite({ ...given, backend });
});
