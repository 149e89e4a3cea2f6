import { link, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
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

/** Takes a lock file, waits for a living owner, takes over from a dead one. */
export async function acquire(file: string, what: string): Promise<HeldLock> {
  await mkdir(dirname(file), { recursive: true });
  let interrupted = false;
  let told = false;
  for (const end = Date.now() + WAIT; ; ) {
    if (await create(file)) return held(file, interrupted);
    const owner = await readJson<Owner>(file);
    if (!owner || !isOwnerAlive(owner)) {
      interrupted = true;
      await rm(file, { force: true });
      continue;
    }
    if (!told) say(`process ${owner.pid} already does this (${what}): waiting for it`);
    told = true;
    if (Date.now() > end) throw tooLong(owner, what);
    await new Promise((resolve) => setTimeout(resolve, 300));
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
  const temporary = `${file}.${process.pid}`;
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
    what: `another command works on this: ${what}`,
    why: `process ${pid} (${commandLine(pid)}) still runs`,
    fix: `wait until it ends, or end it: kill ${pid}`,
  });
}
