import { holderOf } from "../setup/lock.ts";
import { commandLine } from "../setup/process.ts";
import { isStale, readLocks } from "./locks.ts";
import { lockFile } from "./places.ts";

/** A command that brings a stack up, or takes it down, at this moment. */
export interface Work {
  readonly command: string;
  readonly pid: number;
  /** True when parts go, false when they come. */
  readonly removes: boolean;
}

const OPERATIONS = ["up", "down", "destroy"];

/** What works on a stack now: a command of ours, or Pulumi by itself; undefined when nothing does. */
export async function workOn(stack: string): Promise<Work | undefined> {
  const pid = await holderOf(lockFile(stack, "run"));
  if (pid !== undefined) return workOf("redfleet", pid, commandLine(pid));
  const lock = readLocks(stack).find((one) => !isStale(one));
  return lock && workOf("pulumi", lock.pid, commandLine(lock.pid));
}

/** @param line its words; one of a process that has ended since, or of another machine, is empty */
export function workOf(tool: "redfleet" | "pulumi", pid: number, line: string): Work | undefined {
  const operation = line.split(" ").find((word) => OPERATIONS.includes(word));
  if (operation === undefined) return undefined;
  return { command: `${tool} ${operation}`, pid, removes: operation !== "up" };
}
