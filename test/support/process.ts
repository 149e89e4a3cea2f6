import { type SpawnOptions, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** The clone. */
export const ROOT = resolve(import.meta.dirname, "../..");

/** How a child process is bounded and where it runs. */
export interface RunOptions {
  /** Bound in seconds; the whole process group is ended after it. Default 600. */
  readonly seconds?: number;
  /** Working folder; default the clone. */
  readonly cwd?: string;
  /** Variables added to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a finished process left. */
export interface Finished {
  /** Exit code; 128 + 9 when it was killed. */
  readonly code: number;
  readonly stdout: string;
  /** Standard output and standard error in the order in which they came. */
  readonly output: string;
  readonly seconds: number;
}

/** Absolute path of the JavaScript entry of a package's command, e.g. `vitest`. */
export function binary(name: string, command = name): string {
  const manifest = packageFile(name);
  const { bin } = createRequire(import.meta.url)(manifest) as {
    bin: string | Record<string, string>;
  };
  const entry = typeof bin === "string" ? bin : bin[command];
  if (entry === undefined) throw new Error(`${name} has no command ${command}`);
  return join(dirname(manifest), entry);
}

function packageFile(name: string): string {
  return join(ROOT, "node_modules", name, "package.json");
}

/** Runs a command with its output on ours; resolves with the exit code. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  return (await start(command, args, options, "inherit").finished).code;
}

/** Runs a command and collects what it prints. */
export function capture(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return start(command, args, options, "pipe").finished;
}

/** A process that runs on; `kill` ends its whole group at once. */
export interface Running {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  /** All that it has printed so far. */
  said(): string;
  kill(signal?: NodeJS.Signals): void;
}

/** Ends of the process groups that run now. */
const running = new Set<() => void>();

/** Ends everything that this process has started and that still runs. */
export function endAll(): void {
  for (const end of running) end();
}

/** Starts a command in a process group of its own. */
export function start(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
  output: "inherit" | "pipe" = "pipe",
): Running {
  const spawning: SpawnOptions = {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", output, output],
    detached: true,
  };
  const child = spawn(command, args, spawning);
  const kill = (signal: NodeJS.Signals = "SIGKILL") => killGroup(child.pid, signal);
  const onExit = () => kill();
  process.once("exit", onExit);
  running.add(onExit);
  const started = Date.now();
  const bound = setTimeout(kill, (options.seconds ?? 600) * 1000);
  let stdout = "";
  let all = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
    all += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    all += chunk;
  });
  const finished = new Promise<Finished>((resolveFinished, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(bound);
      process.off("exit", onExit);
      running.delete(onExit);
      const seconds = (Date.now() - started) / 1000;
      resolveFinished({ code: code ?? 137, stdout, output: all, seconds });
    });
  });
  return { pid: child.pid ?? 0, finished, said: () => all, kill };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
