/** Whose the containers of an operation are that was cut off: the state may not know them. */
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { writeAtomic } from "../setup/files.ts";
import { claimFile } from "./places.ts";
import type { PulumiResult } from "./run.ts";

/** Exit code of a process that was killed. */
const KILLED = 137;

/** How often an operation says that it still is at work, in milliseconds. */
export const BEAT = 5_000;

/**
 * When an operation under a claim last said that it was at work, by this machine's clock, in ms since 1970;
 * undefined when there is no claim, or none that can be read.
 */
export function claimedUntil(stack: string): number | undefined {
  try {
    const time = Date.parse(readFileSync(claimFile(stack), "utf8"));
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}

/** Says that whatever was made until now is this clone's, until {@link settle}. */
export const claim = (stack: string): Promise<void> =>
  writeAtomic(claimFile(stack), new Date().toISOString());

/** Says that the state knows whatever this clone has made. */
export const settle = (stack: string): Promise<void> => rm(claimFile(stack), { force: true });

/**
 * Runs an operation under a claim that is renewed all the while. It stays when the operation was cut off: what ended
 * by itself, well or not, has saved its state.
 */
export async function claiming(
  stack: string,
  operation: () => Promise<PulumiResult>,
): Promise<PulumiResult> {
  await claim(stack);
  let renewal = Promise.resolve();
  const timer = setInterval(() => {
    // A full disk is the operation's to report; the claim is as old as its last renewal then.
    renewal = renewal.then(() => claim(stack)).catch(() => undefined);
  }, BEAT);
  const result = await operation().finally(() => {
    clearInterval(timer);
    // One under way would bring a settled claim back.
    return renewal;
  });
  if (result.interrupted === undefined && result.code !== KILLED) await settle(stack);
  return result;
}
