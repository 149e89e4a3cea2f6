import { readFileSync } from "node:fs";

/** True if a process with this id runs (a zombie does not). */
export function isAlive(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && startTime(pid) !== undefined;
}

/** When a process started, in clock ticks since boot: with its id, this names one process for ever. */
export function startTime(pid: number): string | undefined {
  return statOf(pid)?.start;
}

/** File name of the program that a process runs, at most 15 characters; undefined when there is none. */
export function programOf(pid: number): string | undefined {
  return statOf(pid)?.program;
}

function statOf(pid: number): { program: string; start: string | undefined } | undefined {
  try {
    // The program's name (field 2) may hold spaces and parentheses: fields are counted after it.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { program: stat.slice(stat.indexOf("(") + 1, end), start: fields[19] };
  } catch {
    return undefined;
  }
}

/** Clock ticks a second: USER_HZ, the same on every Linux that Node runs on. */
const TICKS = 100;

/** When a process started, in milliseconds since 1970, about a second off; undefined when there is none. */
export function startedAt(pid: number): number | undefined {
  const start = startTime(pid);
  const boot = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  if (start === undefined || boot === undefined) return undefined;
  return (Number(boot) + Number(start) / TICKS) * 1000;
}

/** The command line of a process, words joined by blanks; empty if it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
