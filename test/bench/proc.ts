import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second that /proc counts in on Linux. */
const TICKS = 100;

/** The fields of /proc/PID/stat after the command's name. */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** CPU time that a process has used, in milliseconds (granularity 10 ms). */
export function cpuMs(pid: number): number {
  const fields = stat(pid);
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** A process and all its descendants. */
export function family(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(entry), Number(stat(Number(entry))[1]));
    } catch {
      // It ended between the listing and the look.
    }
  }
  const found = [pid];
  for (const parent of found) {
    for (const [child, of] of parents) if (of === parent) found.push(child);
  }
  return found;
}

/** CPU time of a process and its descendants, in milliseconds. */
export const familyCpuMs = (pid: number): number =>
  family(pid).reduce((sum, member) => sum + cpuMs(member), 0);

/** Proportional set size of a process, in MB: shared pages are divided by their users. */
export function pssMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) / 1024;
}

/** Milliseconds since a process was started. */
export function ageMs(pid: number): number {
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  return uptime - (Number(stat(pid)[19]) * 1000) / TICKS;
}
