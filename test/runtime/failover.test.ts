import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { RevisionConflict } from "../../images/node-red/runtime/store/types.ts";
import { ValkeyFlowStore } from "../../images/node-red/runtime/store/valkey.ts";
import { report } from "../support/report.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { settingsOf } from "./support/stores.ts";

const group = new ValkeyGroup();

beforeAll(() => group.open());
afterAll(() => group.close());

/** Somebody who saves all the while, and notes what was acknowledged. */
class Saver {
  readonly acknowledged: string[] = [];
  /** Longest time between two acknowledged saves, in milliseconds. */
  longest = 0;
  readonly store: ValkeyFlowStore;
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(name: string) {
    this.store = new ValkeyFlowStore({
      settings: settingsOf(group, name),
      waitReplicas: 1,
      appName: name,
      pollSeconds: 3600,
      history: 100_000,
      log: createLogger("error", { component: "test" }),
    });
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

it("loses no acknowledged save in failovers that somebody orders", async () => {
  const savers = ["one", "two", "three"].map((name) => new Saver(name));
  const count = () => Math.min(...savers.map(({ acknowledged }) => acknowledged.length));
  for (let round = 0; round < 3; round++) {
    const before = await group.settled();
    const begun = count();
    await until("some saves", () => count() > begun + 20);
    await group.orderFailover();
    await until("another primary", async () => (await group.primary()) !== before);
  }
  await group.settled();
  const begun = count();
  await until("saves after the last failover", () => count() > begun + 20, { seconds: 30 });
  const lost = await Promise.all(savers.map((saver) => saver.stop()));
  expect(lost).toEqual([[], [], []]);
  const longest = Math.max(...savers.map((saver) => saver.longest));
  report("Valkey failover ordered: longest gap of saves", longest, "ms", { atMost: 10_000 });
});
