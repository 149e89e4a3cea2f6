import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../errors.ts";
import { readJson } from "./files.ts";
import { commandLine, startTime } from "./process.ts";
import { say } from "./progress.ts";

/** Who holds a lock: a process that is told from a later one with the same id by its start time. */
interface Owner {
  pid: number;
  start: string | undefined;
}

/** A lock that this process holds. */
export interface HeldLock {
  /** True if an earlier owner ended without a word: what it did may be half done. */
  interrupted: boolean;
  /** Does work that leaves nothing half done: if it fails, the lock is as it was before. */
  undisturbed<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the lock back; without it the next owner knows that something went wrong. */
  release(): Promise<void>;
}

/** Longest wait for another process of ours, in milliseconds: as long as a first set-up may take. */
const WAIT = 900_000;

/**
 * Takes a lock file, waits for a living owner and says so, takes over from a dead one.
 * @param what what the lock is on, for people: `the stack "dev"`
 */
export async function acquire(file: string, what: string): Promise<HeldLock> {
  await mkdir(dirname(file), { recursive: true });
  let interrupted = false;
  let told = false;
  for (const end = Date.now() + WAIT; ; ) {
    if (await create(file)) return held(file, interrupted);
    const owner = await readJson<Owner>(file);
    if (!owner || !isOwnerAlive(owner)) {
      if (await removeDead(file)) interrupted = true;
      continue;
    }
    if (!told)
      say(`waits for process ${owner.pid}, which works on ${what}: ${commandLine(owner.pid)}`);
    told = true;
    if (Date.now() > end) throw tooLong(owner, what);
    await sleep(300);
  }
}

/** Does work under a lock, which is given back whatever becomes of the work. */
export async function locked<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  const lock = await acquire(file, what);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Id of the living process that holds a lock file; undefined when nobody does. */
export async function holderOf(file: string): Promise<number | undefined> {
  const owner = await readJson<Owner>(file);
  return owner && isOwnerAlive(owner) ? owner.pid : undefined;
}

/**
 * Takes a dead owner's lock away; true if this process did. Only the holder of a second lock may do so,
 * and looks again once it has it: another process may have taken over since, and its lock must stay.
 */
async function removeDead(file: string): Promise<boolean> {
  const guard = `${file}.takeover`;
  if (!(await create(guard))) {
    // Its holder needs a moment only, unless it was killed in that moment.
    if (await isDead(guard)) await removeDead(guard);
    else await sleep(20);
    return false;
  }
  try {
    const dead = await isDead(file);
    if (dead) await rm(file, { force: true });
    return dead;
  } finally {
    await rm(guard, { force: true });
  }
}

/** True for a lock whose owner has ended, or that cannot be read; false if there is none. */
async function isDead(file: string): Promise<boolean> {
  try {
    return !isOwnerAlive(JSON.parse(await readFile(file, "utf8")) as Owner);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

function held(file: string, interrupted: boolean): HeldLock {
  const release = () => rm(file, { force: true });
  const undisturbed = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!interrupted) await release();
      throw error;
    }
  };
  return { interrupted, undisturbed, release };
}

const isOwnerAlive = ({ pid, start }: Owner): boolean =>
  startTime(pid) !== undefined && startTime(pid) === start;

/** A link appears with its whole content and only if there is none: no lock is ever half written. */
async function create(file: string): Promise<boolean> {
  const owner: Owner = { pid: process.pid, start: startTime(process.pid) };
  const temporary = `${file}.${process.pid}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(owner));
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function tooLong({ pid }: Owner, what: string): CliError {
  return new CliError({
    what: `another command works on ${what}`,
    why: `process ${pid} (${commandLine(pid)}) still runs`,
    fix: `wait until it ends, or end it: kill ${pid}`,
  });
}
