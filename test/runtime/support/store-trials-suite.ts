import { describe, expect, it } from "vitest";
import { pause, until } from "../../support/wait.ts";
import type { Given } from "./store-contract.ts";
import { HISTORY } from "./stores.ts";

/** Declares the tests of who tries a revision first. */
export function trialsSuite({ store, open }: Given): void {
  describe("trials of revisions", () => {
    const LEASE_MS = 60_000;
    const version = (revision: number) => ({ revision, writeId: `write-${revision}` });
    const take = (worker: string, revision = 7, leaseMs = LEASE_MS) =>
      store().trials.take(version(revision), worker, leaseMs);

    it("go to one worker, who keeps them until it ends them", async () => {
      const others = await Promise.all([open(), open()]);
      const seen = await Promise.all(
        [store(), ...others].map(({ trials }, index) =>
          trials.take(version(7), `w${index}`, LEASE_MS),
        ),
      );
      const worker = seen[0]?.worker ?? "";
      expect(seen).toEqual(
        seen.map(() => ({ ...version(7), state: "trying", worker, failures: 0 })),
      );
      await store().trials.end(version(7), "nobody", true);
      expect(await take("late")).toMatchObject({ state: "trying", worker });
      await store().trials.end(version(7), worker, true);
      expect(await take("late")).toMatchObject({ state: "applied", worker });
      expect(await take("late", 8)).toMatchObject({ state: "trying", worker: "late" });
    });

    it("go on to the next worker when the first cannot, or is silent for too long", async () => {
      await take("a");
      await store().trials.end(version(7), "a", false);
      expect(await take("b", 7, 1000)).toMatchObject({ state: "trying", worker: "b" });
      expect(await take("c")).toMatchObject({ worker: "b" });
      // One that asks again, because it has started again, keeps nobody waiting for longer.
      expect(await take("b")).toMatchObject({ state: "trying", worker: "b" });
      await until("the lease is over", async () => (await take("c")).worker === "c");
    });

    const fail = (worker: string, ...pausesMs: number[]) =>
      store().trials.fail(version(7), worker, [LEASE_MS, ...pausesMs]);

    it("stay with the worker whose process they ended, for once more", async () => {
      await take("a", 7, 1000);
      const again = { ...version(7), state: "trying", worker: "a", failures: 1 };
      expect(await store().trials.fail(version(7), "a", [2000])).toEqual(again);
      expect(await take("b")).toEqual(again);
      await until("the lease is over", async () => (await take("b")).worker === "b");
      await store().trials.end(version(7), "b", true);
      expect(await take("c")).toMatchObject({ state: "applied", failures: 0 });
    });

    it("hold what ended the processes that tried it, for a while, and each time for as long as said", async () => {
      await take("a");
      expect(await fail("b", 200)).toMatchObject({ state: "trying", worker: "a", failures: 0 });
      expect(await fail("a", 200)).toMatchObject({ state: "trying", worker: "a", failures: 1 });
      const held = { state: "held", worker: "a", failures: 2 };
      expect(await fail("a", 200, LEASE_MS)).toMatchObject(held);
      expect(await store().trials.list()).toMatchObject([{ ...version(7), ...held }]);
      await until("it is tried again", async () => (await take("b")).state === "trying");
      expect(await fail("b", LEASE_MS, 200)).toMatchObject({ state: "held", failures: 3 });
      await until("it is tried again", async () => (await take("c")).state === "trying");
      expect(await fail("c", LEASE_MS, 200)).toMatchObject({ state: "held", failures: 4 });
      await until("it is tried again", async () => (await take("a")).state === "trying");
      expect(await fail("a", 200, LEASE_MS)).toMatchObject({ state: "held", failures: 5 });
      await pause(300);
      expect(await take("b")).toMatchObject({ state: "held", worker: "a" });
      expect(await take("a", 8)).toMatchObject({ state: "trying" });
    });

    it("doubt what was applied and ends a process: it is tried anew, and all is forgotten when it does no harm", async () => {
      await take("a");
      await store().trials.end(version(7), "a", true);
      const doubted = { state: "trying", worker: "", failures: 1 };
      for (const worker of ["b", "c", "a", "b"])
        expect(await fail(worker, LEASE_MS)).toMatchObject(doubted);
      expect(await take("c")).toMatchObject({ ...doubted, worker: "c" });
      await store().trials.end(version(7), "c", true);
      expect(await take("b")).toMatchObject({ state: "applied", failures: 0 });
      await fail("b", LEASE_MS);
      await take("b");
      expect(await fail("b", LEASE_MS)).toMatchObject({ state: "held", worker: "b", failures: 2 });
      expect(await fail("a", LEASE_MS)).toMatchObject({ state: "held", worker: "b", failures: 2 });
    });

    it("blame nobody for a trial that was given back", async () => {
      await take("a");
      await store().trials.end(version(7), "a", false);
      expect(await fail("a", LEASE_MS)).toMatchObject({ state: "trying", worker: "" });
    });

    it("know of a worker that ended before anybody tried", async () => {
      expect(await fail("a", LEASE_MS)).toMatchObject({
        ...version(7),
        state: "trying",
        failures: 1,
      });
      expect(await take("b")).toMatchObject({ state: "trying", worker: "b" });
    });

    it("are forgotten with the revisions that they were of", async () => {
      for (const revision of [1, 2, 2 + HISTORY]) await take("a", revision);
      await store().trials.end(version(2 + HISTORY), "a", true);
      const kept = async () => (await store().trials.list()).map(({ revision }) => revision).join();
      await until("the old are gone", async () => (await kept()) === String(2 + HISTORY));
    });
  });
}
