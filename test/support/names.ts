import { createHash } from "node:crypto";
import { ROOT } from "./process.ts";

/** Six hex digits that tell this clone from any other: two clones may test on one engine. */
const CLONE = createHash("sha256").update(ROOT).digest("hex").slice(0, 6);

/** Start of the name of every stack that this clone's tests make, and of nobody else's. */
const PREFIX = `test-${CLONE}-`;

/** Name of a stack, or of a lab, that tests make for a purpose, e.g. `test-1f09ab-e2e`. */
export const testName = (purpose: string): string => `${PREFIX}${purpose}`;

/** Whether a stack is one of this clone's tests: only those may be swept away. */
export const isTestName = (stack: string): boolean => stack.startsWith(PREFIX);

/**
 * Name for containers that the files of one worker make: files run side by side, and none may count
 * another's containers among its own. vitest numbers its workers from 1.
 */
export const WORKER = testName(`worker-${process.env.VITEST_POOL_ID ?? 0}`);
