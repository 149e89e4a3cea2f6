/**
 * Old revisions, for people: `node revisions.ts list` and `node revisions.ts rollback <revision> [<who>]`. How
 * they are called and answer: command.ts.
 *
 * A rollback is a save like any other: the old content becomes the newest revision, and editor and
 * replicas apply it as they apply every save.
 */
import { randomUUID } from "node:crypto";
import { heldText } from "./canary.ts";
import { answerCommand } from "./command.ts";
import { trialsIn } from "./store/trials.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

const LONGEST_NAME = 64;

async function rollback(store: FlowStore, wanted: number, who: string) {
  const [old, current] = await Promise.all([store.readRevision(wanted), store.read()]);
  if (old === null || current === null) {
    const kept = (await store.history()).map(({ revision }) => revision);
    throw new Error(`revision ${wanted} is not kept; there are ${kept.join(", ") || "none"}`);
  }
  if (current.revision === wanted) throw new Error(`revision ${wanted} is the current one`);
  const saved = await store.commit(current.revision, contentOf(old, savedBy(wanted, who)));
  return { revision: saved.revision, restored: wanted };
}

function contentOf({ flows, credentials, digest }: FlowSet, user: string) {
  return { flows, credentials, digest, user, writeId: randomUUID() };
}

/** What the history says of a rollback: whoever ran it has no login here, but a name on the machine. */
const savedBy = (revision: number, who: string): string =>
  [who.slice(0, LONGEST_NAME), `rollback to ${revision}`].filter(Boolean).join(", ");

/** What is kept, and which of it is held because it ended processes. */
async function list(store: FlowStore) {
  const [kept, held] = await Promise.all([store.history(), trialsIn("held", store.trials)]);
  return kept.map(({ writeId, ...revision }) => {
    const trial = held.get(writeId);
    return { ...revision, ...(trial && { held: heldText(trial) }) };
  });
}

await answerCommand("revisions", async (store, [command, argument = "", who = ""]) => {
  if (command === "list") return list(store);
  if (command === "rollback" && /^[1-9]\d{0,9}$/.test(argument)) {
    return rollback(store, Number(argument), who);
  }
  throw new Error("usage: list | rollback <revision> [<who>]");
});
