import { readFileSync } from "node:fs";

/** True if a process with this id runs (a zombie does not). */
export function isAlive(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && startTime(pid) !== undefined;
}

/** When a process started, in clock ticks since boot: with its id, this names one process for ever. */
export function startTime(pid: number): string | undefined {
  try {
    // The command's name (field 2) may hold spaces and parentheses: fields are counted after it.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The command line of a process, words joined by blanks; empty if it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
