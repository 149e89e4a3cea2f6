/**
 * Old revisions, for people: `node revisions.ts list` and `node revisions.ts rollback <revision>`. How they
 * are called and answer: command.ts.
 *
 * A rollback is a save like any other: the old content becomes the newest revision, and editor and
 * replicas apply it as they apply every save.
 */
import { randomUUID } from "node:crypto";
import { answerCommand } from "./command.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

async function rollback(store: FlowStore, wanted: number) {
  const [old, current] = await Promise.all([store.readRevision(wanted), store.read()]);
  if (old === null || current === null) {
    const kept = (await store.history()).map(({ revision }) => revision);
    throw new Error(`revision ${wanted} is not kept; there are ${kept.join(", ") || "none"}`);
  }
  if (current.revision === wanted) throw new Error(`revision ${wanted} is the current one`);
  const saved = await store.commit(current.revision, contentOf(old));
  return { revision: saved.revision, restored: wanted };
}

function contentOf({ flows, credentials, digest }: FlowSet) {
  return { flows, credentials, digest, user: null, writeId: randomUUID() };
}

await answerCommand("revisions", async (store, [command, argument = ""]) => {
  if (command === "list") return store.history();
  if (command === "rollback" && /^[1-9]\d{0,9}$/.test(argument)) {
    return rollback(store, Number(argument));
  }
  throw new Error("usage: list | rollback <revision>");
});
