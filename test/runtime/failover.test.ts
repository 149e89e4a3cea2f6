import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { RevisionConflict } from "../../images/node-red/runtime/store/types.ts";
import { ValkeyFlowStore } from "../../images/node-red/runtime/store/valkey.ts";
import { report, waits } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { settingsOf } from "./support/stores.ts";

const group = new ValkeyGroup();

beforeAll(() => group.open());
afterAll(() => group.close());

/** One that hears of saves by the store's own signals alone. */
const storeOf = (name: string) =>
  new ValkeyFlowStore({
    settings: settingsOf(group, name),
    waitReplicas: 1,
    appName: name,
    pollSeconds: 3600,
    history: 100_000,
    log: createLogger("error", { component: "test" }),
  });

/** Somebody who saves all the while, and notes what was acknowledged. */
class Saver {
  readonly acknowledged: string[] = [];
  /** Longest time between two acknowledged saves, in milliseconds. */
  longest = 0;
  readonly store: ValkeyFlowStore;
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(name: string) {
    this.store = storeOf(name);
    this.done = this.save();
  }

  private async save(): Promise<void> {
    await this.store.connect(AbortSignal.timeout(30_000));
    let [revision, last] = [0, performance.now()];
    for (let count = 0; !this.stopped; count++) {
      const text = JSON.stringify([{ count }]);
      const digest = createHash("sha256").update(text).digest("hex");
      const next = { flows: text, credentials: "{}", user: null, digest, writeId: `${count}` };
      try {
        revision = (await this.store.commit(revision, next)).revision;
        this.acknowledged.push(digest);
        this.longest = Math.max(this.longest, performance.now() - last);
        last = performance.now();
      } catch (error) {
        // What was not confirmed may be there all the same.
        if (error instanceof RevisionConflict) revision = error.current;
      }
      await pause(10);
    }
  }

  /** Acknowledged saves that the store has no more. */
  async stop(): Promise<string[]> {
    this.stopped = true;
    await this.done;
    const stored = new Set((await this.store.history()).map(({ digest }) => digest));
    await this.store.close();
    return this.acknowledged.filter((digest) => !stored.has(digest));
  }
}

/** Ends the primary as the engine does, and starts it again when another one leads. */
async function stopPrimary(primary: number): Promise<void> {
  await group.stopPrimary(primary);
  await group.lab.container(`valkey-${primary}`).start();
}

const changes = [
  { key: "ordered", what: "failover ordered", rounds: 3, change: () => group.orderFailover() },
  { key: "stopped", what: "primary stopped", rounds: 2, change: stopPrimary },
];

it.each(changes)("loses no acknowledged save: $what", async ({ key, what, rounds, change }) => {
  const savers = ["one", "two", "three"].map((name) => new Saver(`${key}-${name}`));
  const count = () => Math.min(...savers.map(({ acknowledged }) => acknowledged.length));
  for (let round = 0; round < rounds; round++) {
    const before = await group.settled();
    const begun = count();
    await until("some saves", () => count() > begun + 20);
    await change(before);
    await until("another primary", async () => (await group.primary()) !== before);
  }
  await group.settled();
  const begun = count();
  await until("saves after the last failover", () => count() > begun + 20, { seconds: 30 });
  const lost = await Promise.all(savers.map((saver) => saver.stop()));
  expect(lost).toEqual([[], [], []]);
  const longest = Math.max(...savers.map((saver) => saver.longest));
  report(`Valkey ${what}: longest gap of saves`, longest, "ms", waits(10_000));
});

it("tells who follows of saves on the new primary, though the old one lives on", async () => {
  const saver = new Saver("followed");
  const follower = storeOf("followed");
  const heard = new Set<string>();
  follower.watch({ onFlowSet: ({ digest }) => heard.add(digest) });
  await until("news", () => heard.size > 20);
  const before = await group.settled();
  await group.orderFailover();
  await until("another primary", async () => (await group.primary()) !== before);
  // The one that is under way may have been heard of on the old one.
  const first = saver.acknowledged.length + 1;
  await until("a save there", () => saver.acknowledged.length > first);
  const saved = performance.now();
  const isNew = (digest: string) => saver.acknowledged.indexOf(digest) >= first;
  await until("news of it or a later one", () => [...heard].some(isNew), { every: 10 });
  const ms = performance.now() - saved;
  report("Valkey failover ordered: a save there is heard of", ms, "ms", waits(2000));
  expect(await saver.stop()).toEqual([]);
  await follower.close();
});
