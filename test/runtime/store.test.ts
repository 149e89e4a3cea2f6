import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { MongodbFlowStore } from "../../images/node-red/runtime/store/mongodb.ts";
import {
  type FlowSet,
  type FlowStore,
  type NewFlowSet,
  RevisionConflict,
} from "../../images/node-red/runtime/store/types.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { pause, until } from "../support/wait.ts";

const log = createLogger("error", { component: "store-test" });
const HISTORY = 3;

/** What a back end has to provide to run the contract below. */
interface Backend {
  start(): Promise<void>;
  /** A store on the named set of data; the same name is the same data. */
  open(name: string): FlowStore;
  /** Drops the stream's history, so that a follower must read anew. */
  stop(): Promise<void>;
}

let mongodb: LocalReplicaSet;
const backends: [string, Backend][] = [
  [
    "MongoDB",
    {
      start: async () => {
        mongodb = await startReplicaSet();
      },
      open: (database) => {
        const { uri } = mongodb;
        return new MongodbFlowStore({
          uri,
          database,
          appName: "test",
          pollSeconds: 2,
          history: HISTORY,
          log,
        });
      },
      stop: () => mongodb?.close(),
    },
  ],
];

const next = (mark: string): NewFlowSet => ({
  flows: `[{"id":"${mark}","type":"tab"}]`,
  credentials: `{"$":"${mark}"}`,
  user: "somebody",
  digest: "d",
  writeId: randomUUID(),
});

describe.each(backends)("flow store on %s", (_, backend) => {
  let store: FlowStore;
  let name: string;
  const opened: FlowStore[] = [];
  const open = async (data = name) => {
    const another = backend.open(data);
    opened.push(another);
    await another.connect(AbortSignal.timeout(20_000));
    return another;
  };

  beforeAll(backend.start);
  afterAll(backend.stop);
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

  it("refuses what is too large, with the sizes", async () => {
    const flows = `["${"x".repeat(16 * 1024 * 1024)}"]`;
    await expect(store.commit(0, { ...next("a"), flows })).rejects.toThrow(/at most/);
    expect(await store.read()).toBeNull();
  });

  it("keeps the newest revisions as history", async () => {
    for (let revision = 0; revision < 6; revision++)
      await store.commit(revision, next(`h${revision}`));
    const kept = async () => (await store.history()).map(({ revision }) => revision).join();
    await until("the history is pruned", async () => (await kept()) === "6,5,4");
    expect((await store.readRevision(5))?.flows).toContain("h4");
    expect(await store.readRevision(1)).toBeNull();
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
});
