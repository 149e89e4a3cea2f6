/**
 * Old revisions, for people: `node revisions.ts list` and `node revisions.ts rollback <revision>`, in a
 * container that edits flows. The last line is the answer as JSON; with exit code 1 it is `{error}`.
 *
 * A rollback is a save like any other: the old content becomes the newest revision, and editor and
 * replicas apply it as they apply every save.
 */
import { randomUUID } from "node:crypto";
import { parseEnvironment } from "./environment.ts";
import { createLogger, reasonOf } from "./log.ts";
import { openStore } from "./store/open.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

/** A person waits. */
const CONNECT_MS = 10_000;

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

async function run(store: FlowStore, [command, argument]: string[]): Promise<unknown> {
  await store.connect(AbortSignal.timeout(CONNECT_MS)).catch((error) => {
    throw new Error("the flow store does not answer", { cause: error });
  });
  if (command === "list") return store.history();
  if (command === "rollback" && /^[1-9]\d{0,9}$/.test(argument ?? "")) {
    return rollback(store, Number(argument));
  }
  throw new Error("usage: list | rollback <revision>");
}

/** Runs one command; the exit code of the process. */
async function main(): Promise<number> {
  const log = createLogger("error", { component: "revisions" });
  const store = openStore(parseEnvironment(process.env), "revisions", log);
  try {
    console.log(JSON.stringify(await run(store, process.argv.slice(2))));
    return 0;
  } catch (error) {
    console.log(JSON.stringify({ error: reasonOf(error) }));
    return 1;
  } finally {
    await store.close();
  }
}

process.exit(await main());
