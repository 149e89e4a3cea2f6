import { performance } from "node:perf_hooks";
import { capture, type Running, start } from "../support/process.ts";
import { pause } from "../support/wait.ts";

/** The core of what is measured, and the core of everything that measures. */
export const CORE = { server: "0", client: "1" } as const;

/** Starts a process on one core. */
export const startPinned = (
  core: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running => start("taskset", ["-c", core, command, ...args], { env, seconds: 900 });

/** Keeps this process and what it starts off the measured core. */
export async function pinSelf(): Promise<void> {
  await capture("taskset", ["-a", "-c", "-p", CORE.client, String(process.pid)]);
}

/** Waits for the first 200 of an address. @returns the time of it (`performance.now()`). */
export async function firstAnswer(url: string, seconds = 60): Promise<number> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    try {
      // Plain Node-RED loses what arrives before all nodes of a flow have started.
      const answer = await fetch(url, { signal: AbortSignal.timeout(300) });
      await answer.arrayBuffer();
      if (answer.status === 200) return performance.now();
    } catch {
      // Nobody listens yet.
    }
    await pause(2);
  }
  throw new Error(`${url} did not answer within ${seconds} s`);
}

/** What one run of wrk measured. */
export interface Throughput {
  readonly perSecond: number;
  readonly requests: number;
  readonly p50: number;
  readonly errors: number;
}

/** Loads an address with wrk on the client's core: one thread, some connections. */
export async function loadWith(
  wrkPath: string,
  url: string,
  { seconds = 3, connections = 32, headers = [] as readonly string[] } = {},
): Promise<Throughput> {
  const shape = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"];
  const extra = headers.flatMap((header) => ["-H", header]);
  const args = ["-c", CORE.client, wrkPath, ...shape, ...extra, url];
  const { stdout } = await capture("taskset", args, { seconds: seconds + 20 });
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0);
  const unit = /50%\s+[\d.]+(us|ms|s)/.exec(stdout)?.[1] ?? "ms";
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    requests: number(/(\d+) requests in/),
    p50: number(/50%\s+([\d.]+)/) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? 1),
    errors: number(/Non-2xx or 3xx responses: (\d+)/),
  };
}
