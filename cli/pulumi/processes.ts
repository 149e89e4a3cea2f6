import { readdirSync, readFileSync } from "node:fs";
import { ROOT } from "../context.ts";
import { commandLine, startTime } from "../setup/process.ts";
import { RUN_MARK } from "./environment.ts";

/** A process that a run of ours has started: Pulumi, a language host, a program or a plugin. */
export interface RunProcess {
  pid: number;
  command: string;
  /** The process that drove the run: `redfleet up`, or the `pulumi` wrapper. */
  driver: { pid: number; start: string };
}

/** All processes that runs in this clone have started, this process's own left out. */
export function runProcesses(): RunProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const driver = parseMark(environmentOf(pid), ROOT);
      const isOurs = driver && driver.pid !== process.pid && pid !== process.pid;
      return isOurs ? [{ pid, command: commandLine(pid), driver }] : [];
    });
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    // ended, or another user's
    return "";
  }
}

/** @param environment NUL-separated, as in /proc/<pid>/environ */
export function parseMark(environment: string, root: string): RunProcess["driver"] | undefined {
  const entry = environment.split("\0").find((one) => one.startsWith(`${RUN_MARK}=${root}|`));
  const [pid, start] = entry?.slice(`${RUN_MARK}=${root}|`.length).split("|") ?? [];
  return pid && start ? { pid: Number(pid), start } : undefined;
}

/** Those whose driver is gone: nobody waits for them any more. */
export function orphansOf(
  processes: readonly RunProcess[],
  startOf: (pid: number) => string | undefined = startTime,
): RunProcess[] {
  return processes.filter(({ driver }) => startOf(driver.pid) !== driver.start);
}

/** True for the Pulumi command itself, which ends well when it is asked to. */
export const isCommandLine = ({ command }: RunProcess): boolean =>
  /(^|\/)pulumi$/.test(command.split(" ")[0] ?? "");

/** True for a provider plugin, which may be in the middle of something on the engine. */
export const isPlugin = ({ command }: RunProcess): boolean =>
  /(^|\/)pulumi-resource-[a-z]+$/.test(command.split(" ")[0] ?? "");
