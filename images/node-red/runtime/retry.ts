/** Trying again until it works. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, reasonOf } from "./log.ts";

const FIRST_MS = 250;
const LONGEST_MS = 2000;

/** Calls `attempt` until it succeeds; says in the log, each time, what does not work yet and why. */
export async function persist<T>(
  what: string,
  attempt: () => Promise<T>,
  log: Logger,
  signal?: AbortSignal,
): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      log.warn(`${what}, trying again`, { attempt: count, reason: reasonOf(error) });
      await sleep(Math.min(FIRST_MS * count, LONGEST_MS), undefined, { signal });
    }
  }
}
