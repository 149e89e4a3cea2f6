import type { Container } from "dockerode";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode } from "../../images/node-red/runtime/context/encoding.ts";
import { Exchange } from "../../images/node-red/runtime/context/exchange.ts";
import { Mirror } from "../../images/node-red/runtime/context/mirror.ts";
import { drop, remove, set } from "../../images/node-red/runtime/context/operations.ts";
import { parseKey } from "../../images/node-red/runtime/context/path.ts";
import type { ValkeySettings } from "../../images/node-red/runtime/environment.ts";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { connectValkey } from "../../images/node-red/runtime/valkey/connection.ts";
import { freeze } from "../support/containers.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { freshPrefix, settingsOf, Worker } from "./support/context.ts";
import { snapshotKeys } from "./support/snapshots.ts";

describe("the shared context of several workers", () => {
  let group: ValkeyGroup;
  let settings: ValkeySettings;
  const workers: Worker[] = [];

  beforeAll(async () => {
    group = await new ValkeyGroup().open();
    settings = settingsOf(group);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await group?.close();
  });

  const join = async (more: ConstructorParameters<typeof Worker>[1] = {}, at = settings) => {
    const worker = new Worker(at, more);
    workers.push(worker);
    return worker.ready();
  };

  it("loses no change when several change different keys of one object", async () => {
    const all = await Promise.all([join(), join(), join()]);
    const changes = all.flatMap((worker, index) =>
      Array.from({ length: 200 }, (_, n) =>
        worker.set("global", `counts.w${index}.n${n}`, { by: index }),
      ),
    );
    await Promise.all(changes);
    const seen = (await all[0]?.get("global", "counts")) as Record<string, object>;
    expect(Object.values(seen).map((part) => Object.keys(part).length)).toEqual([200, 200, 200]);
  });

  it("folds what many small changes have left, and keeps its value", async () => {
    const worker = await join();
    for (let n = 0; n < 350; n++) await worker.set("f", `list[${n}]`, n);
    const admin = group.direct("valkey", await group.primary());
    const log = `${settings.prefix}patches:1:f:list`;
    await until("the patches are folded", async () => (await admin.llen(log)) < 100);
    const expected = Array.from({ length: 350 }, (_, n) => n);
    expect(await worker.get("f", "list")).toEqual(expected);
  });

  it("takes away an element once, though the call that does it is sent again", async () => {
    const worker = await join();
    await worker.set("f", "queue", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const admin = group.direct("valkey", await group.primary());
    for (let left = 9; left > 5; left--) {
      // The server stops before it answers: whether it has done it nobody knows.
      await admin.call("CLIENT", "PAUSE", "400", "ALL");
      const taken = worker.set("f", "queue[0]", undefined);
      await pause(50);
      await admin.call("CLIENT", "KILL", "TYPE", "normal");
      await taken;
      expect(await worker.get("f", "queue")).toHaveLength(left);
    }
  });

  it("keeps the order of one worker's changes, also when nobody waits for them", async () => {
    const worker = await join();
    for (let n = 0; n < 500; n++) worker.store.set("f", "last", n);
    expect(await worker.get("f", "last")).toBe(499);
  });

  it("applies many changes once and in order, though calls are refused and connections die", async () => {
    const worker = await join();
    const admin = group.direct("valkey", await group.primary());
    const numbers = Array.from({ length: 2500 }, (_, n) => n);
    await worker.set("f", "many", numbers);
    let over = false;
    const refuse = async () => {
      while (!over) {
        for (const least of [5, 0]) await admin.config("SET", "min-replicas-to-write", least);
        await pause(1);
      }
    };
    const refusing = refuse();
    for (let round = 0; round < 8; round++) {
      const all = Array.from({ length: 300 }, () => worker.set("f", "many[0]", undefined));
      await pause(20);
      await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await Promise.all(all);
    }
    over = true;
    await refusing;
    expect(await worker.get("f", "many")).toEqual(numbers.slice(2400));
  });

  it("keeps nothing in its copy of scopes that are empty", async () => {
    const log = createLogger("error", { component: "test" });
    const prefix = freshPrefix();
    const client = connectValkey({ ...settings, prefix }, "test-mirror", log);
    const exchange = new Exchange({ client, prefix, timeoutMs: 5000 });
    const mirror = new Mirror({ exchange, staleMs: 5000, log });
    const change = async (scope: string, value: unknown) => {
      const told = mirror.anticipate(scope, parseKey("key"), value);
      const bytes = encode(value ?? null);
      await exchange.run([value ? set(scope, "key", bytes) : remove(scope, "key")]);
      told();
    };
    const scopes = Array.from({ length: 20 }, (_, n) => `node${n}`);
    for (const scope of scopes) await change(scope, "value");
    await mirror.load();
    expect(mirror.read("node19", "key")).toBe("value");
    for (const scope of scopes.slice(0, 10)) await change(scope, undefined);
    // The others are removed elsewhere: the copy learns it when it is loaded.
    await exchange.run(scopes.slice(10).map((scope) => drop(scope)));
    await mirror.load();
    const before = exchange.counters.operations;
    await mirror.load();
    // It only asks which scopes there are: of each one that it knows it would ask for the fields.
    expect(exchange.counters.operations - before).toBe(1);
    await exchange.close();
    client.disconnect();
  });

  it("cleans what is gone, and nothing that a newer deploy writes meanwhile", async () => {
    const own = { ...settings, prefix: freshPrefix() };
    const other = await join({}, own);
    for (const scope of ["gone", "back", "same", "newer", "kept:tab"])
      await other.set(scope, "old", 1);
    /** The revision that is stored when the editor reads it; a newer one is deployed at that very moment. */
    const storedNodes = async () => {
      await other.set("late", "value", 1);
      await other.set("back", "value[0]", 1);
      await other.set("back", "value[1]", 2);
      await other.set("same", "old", 1);
      return new Set(["newer", "kept"]);
    };
    const editor = await join({ storedNodes }, own);
    await editor.store.clean(["kept"]);
    await until("it is clean", async () => ((await other.keys("gone")) as string[]).length === 0);
    await pause(300);
    const kept = await Promise.all(
      ["back", "same", "newer", "kept:tab", "late"].map((scope) => other.keys(scope)),
    );
    expect(kept).toEqual([["old", "value"], ["old"], ["old"], ["old"], ["value"]]);
    expect(await other.get("back", "value")).toEqual([1, 2]);
  });

  it("shows the changes of others without waiting, within moments", async () => {
    const [here, there] = await Promise.all([join({ synchronous: true }), join()]);
    await there.set("shown", "value", { deep: { list: [1] } });
    const sees = (expected: unknown) =>
      until(
        `the copy holds ${JSON.stringify(expected)}`,
        () => {
          const value = here.store.get("shown", "value");
          return JSON.stringify(value) === JSON.stringify(expected);
        },
        { seconds: 5, every: 5 },
      );
    await sees({ deep: { list: [1] } });
    await there.set("shown", "value.deep.list[1]", 2);
    await sees({ deep: { list: [1, 2] } });
    // What a reader does with a value stays its own affair.
    const value = here.store.get("shown", "value") as { deep: { list: number[] } };
    value.deep.list.push(3);
    expect(here.store.get("shown", "value.deep.list")).toEqual([1, 2]);
    await there.store.delete("shown");
    await until("the copy is empty", () => (here.store.keys("shown") as string[]).length === 0);
  });

  it("says that its copy is too old rather than to answer from it", async () => {
    const worker = await join({ synchronous: true, staleMs: 1500 });
    await worker.set("f", "age", 1);
    expect(worker.store.get("f", "age")).toBe(1);
    const sentinels = [0, 1, 2].map((member) => group.lab.container(`sentinel-${member}`));
    const primary = group.lab.container(`valkey-${await group.primary()}`);
    await Promise.all(sentinels.map(freeze));
    await freeze(primary);
    await until("it refuses", () => {
      try {
        worker.store.get("f", "age");
        return false;
      } catch (error) {
        return /copy of the shared context is \d+ s old/.test(String(error));
      }
    });
    await primary.unpause();
    await Promise.all(sentinels.map((sentinel) => sentinel.unpause()));
    const answers = () => worker.store.get("f", "age") === 1;
    await until("it answers again", answers, { seconds: 60 });
  });

  it("reads everything again when it was cut off in the middle of reading", async () => {
    const own = { ...settings, prefix: freshPrefix() };
    const names = Array.from({ length: 6000 }, (_, n) => `f${n}`);
    const some = names.filter((_, n) => n % 100 === 0);
    const writer = await join({}, own);
    for (let at = 0; at < names.length; at += 200) {
      const part = names.slice(at, at + 200);
      await writer.set(
        "cut",
        part,
        part.map(() => "before"),
      );
    }
    const reader = await join({ synchronous: true }, own);
    const admin = group.direct("valkey", await group.primary());
    const followers = async () => (await admin.pubsub("NUMSUB", `${own.prefix}context`))[1];
    const cut = () => admin.call("CLIENT", "KILL", "TYPE", "pubsub");
    await cut();
    await until("nobody follows", async () => (await followers()) === 0, { every: 5 });
    await until("it follows again, and reads", async () => (await followers()) === 1, { every: 5 });
    await cut();
    // Nobody hears of these.
    await writer.set(
      "cut",
      some,
      some.map(() => "after"),
    );
    const seen = () => some.filter((name) => reader.store.get("cut", name) === "after").length;
    await until("all changes are seen", () => seen() === some.length);
  });

  const findOut = {
    "by its next change": (worker: Worker) => worker.set("f", "list[2]", 2),
    "by the connection that it lost": (_: Worker, admin: Redis) =>
      admin.call("CLIENT", "KILL", "USER", "app"),
  };
  it.each(Object.entries(findOut))(
    "sends again what it was answered to and a failover has lost: %s",
    async (_, find) => {
      const prefix = freshPrefix();
      const worker = await join({}, { ...settings, prefix });
      const admin = group.direct("valkey", await group.primary());
      await worker.set("f", "list[0]", 0);
      const lose = await snapshotKeys(admin, prefix);
      await worker.set("f", "list[1]", 1);
      await lose();
      await find(worker, admin);
      const reader = await join({}, { ...settings, prefix });
      const seen = await until("it is there again", async () => {
        const list = await reader.get("f", "list");
        return Array.isArray(list) && list.length > 1 && list;
      });
      expect(seen.slice(0, 2)).toEqual([0, 1]);
    },
  );

  it("does not clean again what a failover brought back and somebody has written since", async () => {
    const own = { ...settings, prefix: freshPrefix() };
    const [editor, other] = await Promise.all([
      join({ storedNodes: async () => new Set<string>() }, own),
      join({}, own),
    ]);
    const admin = group.direct("valkey", await group.primary());
    await other.set("gone", "value", "old");
    const lose = await snapshotKeys(admin, own.prefix);
    await editor.store.clean([]);
    await until("it is clean", async () => ((await other.keys("gone")) as string[]).length === 0);
    await lose();
    await other.set("gone", "value", "new");
    // Finds out that the store went back, and sends again what it must.
    await editor.set("f", "value", 1);
    expect(await other.get("gone", "value")).toBe("new");
    expect(await other.get("f", "value")).toBe(1);
  });

  it("answers in time while there is no store, and goes on by itself after", async () => {
    const worker = await join({ timeoutMs: 1000 }, { ...settings, prefix: freshPrefix() });
    await worker.set("f", "a", 1);
    const members = ["valkey", "sentinel"].flatMap((kind) =>
      [0, 1, 2].map((member) => group.lab.container(`${kind}-${member}`)),
    );
    await Promise.all(members.map(freeze));
    await expect(worker.get("f", "a")).rejects.toThrow(/did not answer within 1 s/);
    await expect(worker.set("f", "a", 2)).rejects.toThrow(/within 1 s .*may have been written/);
    await Promise.all(members.map((member) => member.unpause()));
    const value = await until("it answers", () => worker.get("f", "a"), { seconds: 60 });
    expect([1, 2]).toContain(value);
    await worker.set("f", "a", 3);
    expect(await worker.get("f", "a")).toBe(3);
  });
});

/** What makes another node primary. What its replicas have must not be lost. */
const ends = [
  // Its last answers are still on the way.
  {
    how: "hangs",
    end: (group: ValkeyGroup, member: number) => freeze(group.lab.container(`valkey-${member}`)),
    back: (container: Container) => container.unpause(),
  },
  {
    how: "is stopped",
    end: (group: ValkeyGroup, member: number) => group.stopPrimary(member),
    back: (container: Container) => container.start(),
  },
];

describe("a primary that ends in the middle of writing", () => {
  it.each(ends)("and $how loses no acknowledged change and keeps their order", async (fault) => {
    const group = await new ValkeyGroup().open();
    const settings = settingsOf(group);
    const writers = [new Worker(settings), new Worker(settings)];
    let running = true;
    const write = async (worker: Worker, index: number) => {
      let last = -1;
      for (let n = 0; running; n++) {
        await worker.set("f", `log.w${index}[${n}]`, n);
        last = n;
        if (n % 20 === 0) await worker.set("f", `log.marks.w${index}`, n);
      }
      return last;
    };
    const writing = writers.map(write);
    await pause(1000);
    const old = await group.settled();
    await fault.end(group, old);
    await until("another primary", async () => (await group.primary()) !== old, { seconds: 40 });
    await pause(2000);
    running = false;
    const last = await Promise.all(writing);
    const reader = new Worker(settings);
    const log = (await reader.get("f", "log")) as Record<string, number[]>;
    for (const [index, n] of last.entries()) {
      expect(log[`w${index}`]).toEqual(Array.from({ length: n + 1 }, (_, element) => element));
    }
    await fault.back(group.lab.container(`valkey-${old}`));
    await Promise.all([...writers, reader].map((worker) => worker.close()));
    await group.close();
  });
});
