import { stackFlag } from "../config/hints.ts";

/** The stack that this process works on; every hint names it. */
let current = "dev";

/** Told once, by whoever reads the command line. */
export function hintsFor(stack: string): void {
  current = stack;
}

/**
 * A command of ours as a hint names it, to be copied as it stands, with the flag that keeps it on the same stack:
 * `npx redfleet up --stack nu`.
 * @param words command and arguments: `tenant start acme --up`
 */
export function redfleet(words: string, stack = current): string {
  // In this shell no flag means that stack: the default needs one too.
  const isMeant = process.env.REDFLEET_STACK !== undefined;
  return `npx redfleet ${words}${isMeant ? ` --stack ${stack}` : stackFlag(stack)}`;
}
