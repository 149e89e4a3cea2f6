import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { locksDirectory } from "../pulumi/places.ts";
import { hasState, readState, type State } from "../pulumi/state.ts";
import { type Check, ok, warn } from "./check.ts";

/** A lock file of Pulumi's file backend. */
export interface Lock {
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/** The lock and the unfinished operations of one stack. */
export async function checkState(stack: string): Promise<Check[]> {
  const locks = judgeLocks(await readLocks(locksDirectory(stack)), isAlive);
  if (hasState(stack)) return [locks, judgePending(readState(stack).pending)];
  return [locks, ok("pending operations", `the stack "${stack}" has no state yet`)];
}

async function readLocks(directory: string): Promise<Lock[]> {
  const names = await readdir(directory).catch(() => []);
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(directory, name), "utf8")) as Lock),
  );
}

function isAlive(lock: Lock): boolean {
  if (lock.hostname !== hostname()) return true;
  try {
    return process.kill(lock.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** @param alive whether a lock's owner may still be at work */
export function judgeLocks(locks: readonly Lock[], alive: (lock: Lock) => boolean): Check {
  const name = "state lock";
  const [lock] = locks;
  if (!lock) return ok(name, "nobody holds it");
  const owner = `${lock.username}@${lock.hostname}, process ${lock.pid}, since ${lock.timestamp}`;
  if (alive(lock)) return warn(name, `held by ${owner}`, "wait until that operation ends");
  const fix = "redfleet up takes it over; by hand: npx pulumi cancel --yes";
  return warn(name, `left behind by ${owner}, which is gone`, fix);
}

/** @param pending operations in the stack's checkpoint */
export function judgePending(pending: State["pending"]): Check {
  const name = "pending operations";
  if (pending.length === 0) return ok(name, "none");
  const lines = pending.map(({ type, resource }) => `${type} ${resource.urn.split("::").at(-1)}`);
  const detail = `an operation was cut off: ${lines.join(", ")}`;
  return warn(name, detail, "redfleet up finds out what became of them and goes on");
}
