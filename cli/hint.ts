import { stackFlag } from "../config/hints.ts";

/** The stack that this process works on; every hint names it. */
let current = "dev";

/** Told once, by whoever reads the command line. */
export function hintsFor(stack: string): void {
  current = stack;
}

/**
 * A command of ours as a hint names it, with the flag that keeps it on the same stack: `redfleet up --stack nu`.
 * @param words command and arguments: `tenant start acme --up`
 */
export const redfleet = (words: string, stack = current): string =>
  `redfleet ${words}${stackFlag(stack)}`;
