import { expect, it } from "vitest";
import { RevisionConflict } from "../../../images/node-red/runtime/store/types.ts";
import { until } from "../../support/wait.ts";
import { type Given, next } from "./store-contract.ts";
import type { Backend } from "./stores.ts";

/** Declares the tests of what a store does while something is wrong with all of it. */
export function faultsSuite({ backend, store, open }: Given & { readonly backend: Backend }): void {
  it.each(backend.faults)(
    "refuses a save while it is %s, loses nothing, and takes it after",
    async (fault) => {
      const before = await store().commit(0, next("before"));
      const seen: number[] = [];
      const follower = await open();
      follower.watch({ onFlowSet: ({ revision }) => seen.push(revision) });
      await until("it follows", () => seen.includes(1));
      const heal = await backend.fault(fault);
      try {
        const refused = await store()
          .commit(1, next("during"))
          .catch((error: Error) => error);
        expect(refused).toBeInstanceOf(Error);
        expect(refused).not.toBeInstanceOf(RevisionConflict);
      } finally {
        await heal();
      }
      const stored = await until("it answers", () => store().read(), { seconds: 60 });
      expect(stored).toEqual(before);
      await until("it takes a save", () => store().commit(1, next("after")), { seconds: 60 });
      await until("followers are told", () => seen.at(-1) === 2);
      expect((await store().readRevision(1))?.writeId).toBe(before.writeId);
    },
  );

  it("acknowledges nothing that only one server has", async () => {
    const writes = (mark: string) => [
      store().writeDocument("settings", { mark }),
      store().writeDocument("sessions", { mark }, new Date(Date.now() + 60_000)),
      store().writeLibrary("functions", "file", {}, mark),
      store().writeUser({ username: "somebody", passwordHash: mark, role: "read" }),
    ];
    await Promise.all(writes("before"));
    const tried = { revision: 1, writeId: "write-1" };
    await store().trials.take(tried, "a", 60_000);
    const heal = await backend.fault("alone");
    try {
      const answers = await Promise.allSettled([
        store().commit(0, next("alone")),
        ...writes("alone"),
        store().trials.end(tried, "a", true),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill("rejected"));
    } finally {
      await heal();
    }
    const again = async () => Promise.all(writes("after")).then(() => true);
    await until("it takes them", again, { seconds: 60 });
    expect(await store().readDocument("settings")).toEqual({ mark: "after" });
    expect(await store().readLibrary("functions", "file")).toBe("after");
    expect(await store().findUser("somebody")).toMatchObject({ passwordHash: "after" });
  });

  it("takes a save once while it is slow", async () => {
    await store().commit(0, next("before"));
    const heal = await backend.fault("slow");
    const saved = await store().commit(1, next("slow"));
    await heal();
    expect(await store().read()).toMatchObject({ revision: 2, writeId: saved.writeId });
  });
}
