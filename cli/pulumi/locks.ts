import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { commandLine, isAlive } from "../setup/process.ts";
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
  /** Command line of a running process; undefined when there is none. */
  commandOf(pid: number): string | undefined;
}

const thisHost: Host = {
  name: hostname(),
  commandOf: (pid) => (isAlive(pid) ? commandLine(pid) : undefined),
};

/** True if nobody can hold the lock any more: its process is gone, or its id is another program's now. */
export function isStale(lock: StateLock, host: Host = thisHost): boolean {
  if (lock.hostname !== host.name) return false;
  const command = host.commandOf(lock.pid);
  return command === undefined || !/pulumi/.test(command);
}

/** Removes locks of dead owners; a lock that somebody holds is an error that names its owner. */
export async function clearLocks(stack: string): Promise<number> {
  const locks = readLocks(stack);
  const held = locks.find((lock) => !isStale(lock));
  if (held) throw locked(stack, held);
  for (const { file } of locks) {
    await rm(file, { force: true });
    await rm(`${file}.attrs`, { force: true });
  }
  return locks.length;
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
