import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { programOf, startedAt } from "../setup/process.ts";
import { locksDirectory } from "./places.ts";

/** A lock file of Pulumi's file backend. */
export interface StateLock {
  file: string;
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/** All locks on a stack's state. */
export function readLocks(stack: string): StateLock[] {
  const directory = locksDirectory(stack);
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith(".json"));
    return names.map((name) => readLock(join(directory, name)));
  } catch {
    return [];
  }
}

/** A lock that was cut off while it was written has no owner. */
function readLock(file: string): StateLock {
  const unknown = { pid: 0, username: "?", hostname: hostname(), timestamp: "?" };
  try {
    return { ...unknown, ...(JSON.parse(readFileSync(file, "utf8")) as object), file };
  } catch {
    return { ...unknown, file };
  }
}

/** What the owner of a lock may be told by. */
export interface Host {
  name: string;
  /** A process that runs; `hidden` when there is one of which nothing can be read (another user's). */
  processOf(pid: number): { program: string; startedAt: number } | "hidden" | undefined;
}

const thisHost: Host = {
  name: hostname(),
  processOf: (pid) => {
    const program = programOf(pid);
    const started = startedAt(pid);
    if (program !== undefined && started !== undefined) return { program, startedAt: started };
    return exists(pid) ? "hidden" : undefined;
  },
};

/** How much later than its lock an owner may seem to have started: its start is known to the second. */
const SLACK = 5_000;

/**
 * True if nobody can hold the lock any more: its process is gone, or its id belongs to another one now, which is
 * not Pulumi, or started after the lock was taken. Of a lock of another machine nobody here can tell.
 */
export function isStale(lock: StateLock, host: Host = thisHost): boolean {
  if (lock.hostname !== host.name) return false;
  const found = host.processOf(lock.pid);
  if (found === "hidden") return false;
  if (found === undefined || found.program !== "pulumi") return true;
  return found.startedAt > Date.parse(lock.timestamp) + SLACK;
}

/** Whether there is a process with this id, whosever it is; a zombie holds nothing any more. */
function exists(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes locks of dead owners; a lock that somebody holds is an error that names its owner. */
export async function clearLocks(stack: string): Promise<number> {
  const locks = readLocks(stack);
  // Of the same look: a lock that is taken after it is nobody's to remove.
  const held = heldLock(stack, locks);
  if (held) throw held;
  for (const { file } of locks) {
    await rm(file, { force: true });
    await rm(`${file}.attrs`, { force: true });
  }
  return locks.length;
}

/** Who holds the lock on a stack's state; undefined when nobody does any more. */
export function heldLock(stack: string, locks = readLocks(stack)): CliError | undefined {
  const held = locks.find((lock) => !isStale(lock));
  return held && locked(stack, held);
}

function locked(stack: string, lock: StateLock): CliError {
  const elsewhere = lock.hostname !== hostname();
  return new CliError({
    what: `another operation works on the stack "${stack}"`,
    why: `process ${lock.pid} of ${lock.username}@${lock.hostname} holds its lock since ${lock.timestamp}`,
    fix: elsewhere
      ? `if that machine is gone: npx pulumi cancel --yes --stack ${stack}`
      : `wait until it ends, or end it: kill -INT ${lock.pid}`,
  });
}
