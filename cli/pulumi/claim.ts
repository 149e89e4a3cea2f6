/** Whose the containers of an operation are that was cut off: the state may not know them. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { writeAtomic } from "../setup/files.ts";
import { claimFile } from "./places.ts";
import type { PulumiResult } from "./run.ts";

/** Exit code of a process that was killed. */
const KILLED = 137;

export const isClaimed = (stack: string): boolean => existsSync(claimFile(stack));

/** Says that whatever is made from here on is this clone's, until {@link settle}. */
export const claim = (stack: string): Promise<void> => writeAtomic(claimFile(stack), "");

/** Says that the state knows whatever this clone has made. */
export const settle = (stack: string): Promise<void> => rm(claimFile(stack), { force: true });

/** Runs an operation under a claim, which stays when it was cut off: what ended by itself, well or not, has saved its state. */
export async function claiming(
  stack: string,
  operation: () => Promise<PulumiResult>,
): Promise<PulumiResult> {
  await claim(stack);
  const result = await operation();
  if (result.interrupted === undefined && result.code !== KILLED) await settle(stack);
  return result;
}
