import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { isStale, readLocks, type StateLock } from "../pulumi/locks.ts";
import { passphraseProblem } from "../pulumi/passphrase.ts";
import { orphansOf, runProcesses } from "../pulumi/processes.ts";
import { hasState, readState, type State } from "../pulumi/state.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** The lock and the unfinished operations of one stack. */
export async function checkState(stack: string): Promise<Check[]> {
  const orphans = new Set(orphansOf(runProcesses()).map(({ pid }) => pid));
  const locks = judgeLocks(readLocks(stack), isStale, orphans);
  if (hasState(stack)) return [locks, ...ofCheckpoint(stack)];
  return [locks, ok("pending operations", `the stack "${stack}" has no state yet`)];
}

/** What the state says of operations and of its passphrase, if it can be read. */
function ofCheckpoint(stack: string): Check[] {
  try {
    const { pending, salt } = readState(stack);
    return [judgePending(pending), judgePassphrase(stack, salt)];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [warn("state", error.why ?? error.what, error.fix ?? "")];
  }
}

/**
 * @param stale whether a lock's owner is gone
 * @param orphans ids of processes that go on although their run was killed
 */
export function judgeLocks(
  locks: readonly StateLock[],
  stale: (lock: StateLock) => boolean,
  orphans: ReadonlySet<number> = new Set(),
): Check {
  const name = "state lock";
  const lock = locks.find((one) => !stale(one)) ?? locks[0];
  if (!lock) return ok(name, "nobody holds it");
  const owner = `${lock.username}@${lock.hostname}, process ${lock.pid}, since ${lock.timestamp}`;
  if (orphans.has(lock.pid) && !stale(lock)) {
    const fix = `${redfleet("up")} lets it end what it is at, and goes on from there`;
    return warn(name, `held by ${owner}, which a killed run has left behind`, fix);
  }
  if (!stale(lock)) return warn(name, `held by ${owner}`, "wait until that operation ends");
  return warn(name, `left behind by ${owner}, which is gone`, `${redfleet("up")} removes it`);
}

/** @param pending operations in the stack's checkpoint */
export function judgePending(pending: State["pending"]): Check {
  const name = "pending operations";
  if (pending.length === 0) return ok(name, "none");
  const lines = pending.map(({ type, resource }) => `${type} ${resource.urn.split("::").at(-1)}`);
  const detail = `an operation was cut off: ${lines.join(", ")}`;
  return warn(name, detail, `${redfleet("up")} finds out what became of them and goes on`);
}

/**
 * Whether the secrets in the state can be read.
 * @param salt of the state
 */
export function judgePassphrase(stack: string, salt: string | undefined): Check {
  const name = "passphrase";
  const problem = passphraseProblem(stack, salt);
  if (!problem) return ok(name, "it reads the secrets of the state");
  return fail(name, `${problem.what}: ${problem.why}`, problem.fix ?? "");
}
