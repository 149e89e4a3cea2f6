/**
 * Commands of people in a container that edits flows: `redfleet` runs a script there, because it has the
 * store's address, password and keys. The last line of output is the answer as JSON; with exit code 1 it
 * is `{error}`, with `fix` where there is another way out than the caller's usual one.
 */
import { readEnvironment } from "./environment-exit.ts";
import { createLogger, reasonOf } from "./log.ts";
import { openStore } from "./store/open.ts";
import type { FlowStore } from "./store/types.ts";

/** What a person asked for and does not get, with the way out where the one who asked does not know it. */
export class Refused extends Error {
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/** A person waits. */
const CONNECT_MS = 10_000;

/** Runs one command on the flow store, prints its answer, and ends the process. */
export async function answerCommand(
  name: string,
  run: (store: FlowStore, words: readonly string[]) => Promise<unknown>,
): Promise<never> {
  const log = createLogger("error", { component: name });
  const store = openStore(readEnvironment(name), name, log);
  let code = 0;
  try {
    await store.connect(AbortSignal.timeout(CONNECT_MS)).catch((error) => {
      throw new Error("the flow store does not answer", { cause: error });
    });
    console.log(JSON.stringify(await run(store, process.argv.slice(2))));
  } catch (error) {
    const fix = error instanceof Refused ? error.fix : undefined;
    console.log(JSON.stringify({ error: reasonOf(error), fix }));
    code = 1;
  } finally {
    await store.close();
  }
  process.exit(code);
}
