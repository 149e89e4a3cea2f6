import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, tab } from "../support/flows.ts";
import { report } from "../support/report.ts";
import { pause } from "../support/wait.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";

/** A store and a way to put a flow set into it of which nobody is told. */
interface SilentStore extends StoreLab {
  storeSilently(set: Record<string, unknown>): Promise<void>;
}

/** A collection that takes the place of another brings no document with its event. */
async function silentMongodb(): Promise<SilentStore> {
  const lab = await openMongodb();
  const database = lab.set.client.db(lab.access.database);
  const storeSilently = async (set: Record<string, unknown>) => {
    const restored = database.collection<{ _id: string }>(`restored-${set.revision}`);
    await restored.insertOne({ _id: "current", ...set });
    await restored.rename("flows", { dropTarget: true });
  };
  return { ...lab, storeSilently };
}

/** A write without the message that follows a save. */
async function silentValkey(): Promise<SilentStore> {
  const lab = await openValkey();
  const key = `${lab.access.valkey?.prefix}flows:current`;
  const storeSilently = async ({ at, ...set }: Record<string, unknown>) => {
    await lab.group.client().hset(key, { ...set, at: (at as Date).getTime() });
  };
  return { ...lab, storeSilently };
}

const stores = [
  ["MongoDB", silentMongodb],
  ["Valkey", silentValkey],
] as const;

describe.concurrent.each(stores)("a replica on %s", (store, open) => {
  let lab: SilentStore;
  let replica: Runtime;

  beforeAll(async () => {
    lab = await open();
    replica = await start({ ...lab.access, role: "replica" });
  });
  afterAll(async () => {
    await replica?.remove();
    await lab?.close();
  });

  it("follows what nobody told of within 35 s, by its look at the store alone", async () => {
    // The looks at the start are over then.
    await pause(3000);
    for (const [index, text] of ["one", "two"].entries()) {
      const revision = index + 1;
      const flows = [tab("t"), ...answering("t", "a", "/text", `msg.payload = "${text}";`)];
      await lab.storeSilently({
        ...{ revision, flows: JSON.stringify(flows), credentials: "{}", user: "", digest: "" },
        ...{ at: new Date(), writeId: randomBytes(4).toString("hex") },
      });
      const begin = performance.now();
      await replica.reaches(revision, 35);
      report(`${store}: a replica live by the poll alone`, performance.now() - begin, "ms");
      expect(await (await fetch(`${replica.url}/text`)).text()).toBe(text);
    }
  });
});
