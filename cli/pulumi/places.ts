import { join } from "node:path";
import { localDirectory, ROOT } from "../context.ts";

/** Name of the Pulumi project: `name` in Pulumi.yaml. */
export const PROJECT = "redfleet";

/** Git-ignored folder of everything local. */
export const LOCAL = join(ROOT, ".redfleet");
/** Root of Pulumi's file backend. */
export const STATE = join(LOCAL, "state");
/** The generated passphrase that the secrets in the state are encrypted with. */
export const PASSPHRASE = join(LOCAL, "passphrase");
/** Tells where the Pulumi command line is; written by the set-up. */
export const POINTER = join(LOCAL, "pulumi.json");

/**
 * Lock on what only one command may do with a stack at a time: `run` it, or `edit` its file. Beside the stack's
 * folder, which a `down` removes while others wait for the lock.
 */
export const lockFile = (stack: string, work: "run" | "edit"): string =>
  join(LOCAL, `stack-${stack}.${work}.lock`);

/** A stack's checkpoint in the file backend. */
export const checkpointFile = (stack: string): string =>
  join(STATE, ".pulumi", "stacks", PROJECT, `${stack}.json`);

/** Folder of a stack's lock files in the file backend. */
export const locksDirectory = (stack: string): string =>
  join(STATE, ".pulumi", "locks", "organization", PROJECT, stack);

/** The copy of the stack file that Pulumi works on. */
export const overlayFile = (stack: string): string =>
  join(localDirectory(stack), `Pulumi.${stack}.yaml`);

/** There while an operation on the stack is under way, or was when it was cut off. */
export const claimFile = (stack: string): string => join(localDirectory(stack), "operating");
