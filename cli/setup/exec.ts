import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { CliError } from "../errors.ts";

/** How a program is run. */
export interface RunOptions {
  cwd?: string;
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** The program and its children are killed after this time; it then counts as failed. */
  timeoutSeconds: number;
  /** The same after this time without a line of output: for what takes as long as the machine needs. */
  silenceSeconds?: number;
  /** Called with every line of either output as it comes. */
  onLine?: (line: string) => void;
  /** Text for its standard input; default: none. */
  input?: string;
  /** True for what must not be cut off, like dpkg: it goes on if this process is killed. */
  survives?: boolean;
}

/** What a finished program left. */
export interface RunResult {
  code: number;
  stdout: string;
  /** The last lines of both outputs, for error messages. */
  tail: string;
  timedOut: boolean;
}

/** What a signal ends: {@link interruptible} says what happens then. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const TAIL_LINES = 25;
/** Makes the kernel end a program together with the process that has started it, even by kill -9. */
const SETPRIV = "/usr/bin/setpriv";
const running = new Set<number>();

/** Kills everything that {@link run} has started, children included. */
export function killAll(): void {
  for (const pid of running) killGroup(pid);
}

/**
 * Does work that a signal may end at any time: everything that {@link run} has started ends with it, and
 * this process says so and exits with 128 and the signal's number.
 */
export async function interruptible<T>(work: () => Promise<T>): Promise<T> {
  const end = (signal: (typeof SIGNALS)[number]) => {
    killAll();
    console.error(`interrupted (${signal}): run the command again, finished steps are kept`);
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    return await work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended in the meantime
  }
}

/** Runs a program to its end in a process group of its own; throws only if it cannot be started. */
export async function tryRun(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const bound = !options.survives && existsSync(SETPRIV);
  const [program, words] = bound
    ? [SETPRIV, ["--pdeathsig", "KILL", "--", command, ...args]]
    : [command, args];
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const tail: string[] = [];
  const stdout: Buffer[] = [];
  let timedOut = false;
  const tooLong = () => {
    timedOut = true;
    if (pid !== undefined) killGroup(pid);
  };
  const timer = setTimeout(tooLong, options.timeoutSeconds * 1000);
  const silence = setTimeout(tooLong, (options.silenceSeconds ?? options.timeoutSeconds) * 1000);
  const seen = (line: string) => {
    silence.refresh();
    if (tail.push(line) > TAIL_LINES) tail.shift();
    options.onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", seen);
  }
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stdin.on("error", () => {}).end(options.input ?? "");
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject).on("close", (value) => resolve(value ?? 137));
    });
    return { code, stdout: Buffer.concat(stdout).toString(), tail: tail.join("\n"), timedOut };
  } finally {
    clearTimeout(timer);
    clearTimeout(silence);
    if (pid !== undefined) running.delete(pid);
  }
}

/** Runs a program and returns its standard output; a failure is explained with its last lines. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  const result = await tryRun(command, args, options).catch((error: NodeJS.ErrnoException) => {
    throw new CliError({ what: `${command} cannot be started`, why: error.message });
  });
  if (result.code === 0) return result.stdout;
  const line = [command, ...args].join(" ").slice(0, 200);
  throw new CliError({
    what: result.timedOut
      ? `"${line}" ${tooSlow(options)}`
      : `"${line}" failed (exit code ${result.code})`,
    why: result.tail || "it printed nothing",
    fix: "run the command again: finished steps are kept",
  });
}

function tooSlow({ timeoutSeconds, silenceSeconds = timeoutSeconds }: RunOptions): string {
  const silent = silenceSeconds < timeoutSeconds ? `was silent for ${silenceSeconds} s or ` : "";
  return `${silent}took longer than ${timeoutSeconds} s`;
}

/** Absolute path of a program on PATH, or undefined. */
export async function which(name: string): Promise<string | undefined> {
  const found = await tryRun("sh", ["-c", `command -v ${name}`], { timeoutSeconds: 10 });
  return found.code === 0 ? found.stdout.trim() : undefined;
}
