/** Trying again until it works, and waiting no longer than it is worth. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, reasonOf } from "./log.ts";

const FIRST_MS = 250;
const LONGEST_MS = 2000;

/**
 * Calls `attempt` until it succeeds; says in the log, each time, what does not work yet and why.
 * @param passes false for an error that comes again each time. Default: all pass.
 * @throws such an error; what aborted the signal, or the last error when its time was over.
 */
export async function persist<T>(
  what: string,
  attempt: () => Promise<T>,
  log: Logger,
  signal?: AbortSignal,
  passes: (error: unknown) => boolean = () => true,
): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (!passes(error)) throw error;
      const ms = Math.min(FIRST_MS * count, LONGEST_MS);
      if (!signal?.aborted) {
        log.warn(`${what}, trying again`, { attempt: count, reason: reasonOf(error) });
        await sleep(ms, undefined, { signal }).catch(() => {});
      }
      if (signal?.aborted) throw signal.reason.name === "TimeoutError" ? error : signal.reason;
    }
  }
}

/** An answer, or `undefined` when there is none in time (who is asked may hang) or only an error, told in the log. */
export function inTime<T>(
  what: string,
  answer: Promise<T>,
  timeMs: number,
  log: Logger,
): Promise<T | undefined> {
  const known = answer.catch((error) => {
    log.debug(what, { reason: reasonOf(error) });
    return undefined;
  });
  return Promise.race([known, sleep(timeMs, undefined, { ref: false })]);
}
