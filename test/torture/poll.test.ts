import { afterAll, beforeAll, expect, it } from "vitest";
import { answering } from "../runtime/support/flows.ts";
import { openValkey } from "../runtime/support/labs.ts";
import { type Runtime, start } from "../runtime/support/runtime.ts";
import { tab } from "../support/flows.ts";
import { report } from "../support/report.ts";

let lab: Awaited<ReturnType<typeof openValkey>>;
let replica: Runtime;

beforeAll(async () => {
  lab = await openValkey();
  replica = await start({ ...lab.access, role: "replica" });
});
afterAll(async () => {
  await replica?.remove();
  await lab?.close();
});

/** Stores a revision as a save does, and tells nobody. */
async function storeSilently(revision: number, text: string): Promise<void> {
  const flows = [tab("t"), ...answering("t", "a", "/text", `msg.payload = "${text}";`)];
  await lab.group.client().hset(`${lab.access.valkey?.prefix}flows:current`, {
    ...{ revision, flows: JSON.stringify(flows), credentials: "{}", user: "", digest: "" },
    ...{ at: Date.now(), writeId: text },
  });
}

// Only for Valkey: a change stream of MongoDB that goes silent is opened anew within seconds, and read then.
it("follows what nobody told of within 35 s, by its look at the store alone", async () => {
  for (const [index, text] of ["one", "two"].entries()) {
    await storeSilently(index + 1, text);
    const begin = performance.now();
    await replica.reaches(index + 1, 35);
    report("Valkey: a replica live by the poll alone", performance.now() - begin, "ms");
    expect(await (await fetch(`${replica.url}/text`)).text()).toBe(text);
  }
});
