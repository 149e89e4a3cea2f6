import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, unlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PACE, type Pace } from "../../config/pace.ts";
import { localDirectory, ROOT } from "../context.ts";
import { say } from "../setup/progress.ts";
import { pulumiBinary, pulumiEnvironment } from "./environment.ts";
import { type EngineEvent, RunReport } from "./events.ts";

/** How a run of Pulumi ended. */
export interface PulumiResult {
  code: number;
  report: RunReport;
  /** What it wrote to standard error. */
  stderr: string;
  /** The signal by which somebody ended it before its time. */
  interrupted?: NodeJS.Signals;
}

/** What may be said of a run. */
export interface RunPulumiOptions {
  /** Takes in what the run tells; a caller that gives one may look at it meanwhile. */
  readonly report?: RunReport;
  /** How members start. Default: in turn. */
  readonly pace?: Pace;
}

const POLL = 200;

/**
 * Runs a Pulumi operation and follows its events. Its output goes to files, not to pipes: if this
 * process is killed, Pulumi can still be asked to end well.
 * @param onLine called with each line worth reading
 */
export async function runPulumi(
  stack: string,
  operation: readonly string[],
  onLine: (line: string) => void,
  { report = new RunReport(), pace = "in turn" }: RunPulumiOptions = {},
): Promise<PulumiResult> {
  const directory = localDirectory(stack);
  await mkdir(directory, { recursive: true });
  const files = [join(directory, "pulumi.jsonl"), join(directory, "pulumi.err")] as const;
  const [out, err] = files.map((file) => openSync(file, "w", 0o600));
  // Events tell every secret in clear: once it is open at both ends, their file has no name any more.
  const events = openSync(files[0], "r");
  unlinkSync(files[0]);
  const args = [...operation, "--json", "--non-interactive", "--stack", stack];
  const child = spawn(pulumiBinary(), args, {
    cwd: ROOT,
    env: { ...process.env, ...pulumiEnvironment(stack), [PACE]: pace },
    stdio: ["ignore", out ?? "ignore", err ?? "ignore"],
    detached: true,
  });
  let interrupted: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (!interrupted)
      say(`  interrupted (${signal}): Pulumi ends what is under way; once more cuts it off`);
    interrupted = signal;
    child.kill("SIGINT");
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  const follow = follower(events, (event) => {
    const line = report.take(event);
    if (line) onLine(line);
  });
  const timer = setInterval(follow, POLL);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject).on("close", (value) => resolve(value ?? 137));
    });
    follow();
    const result = { code, report, stderr: readFileSync(files[1], "utf8") };
    return interrupted ? { ...result, interrupted } : result;
  } finally {
    clearInterval(timer);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
    for (const descriptor of [out, err, events])
      if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Returns a function that hands on the events which an open file has got since the last call. */
function follower(descriptor: number, onEvent: (event: EngineEvent) => void): () => void {
  const buffer = Buffer.alloc(1 << 16);
  const rest: Buffer[] = [];
  return () => {
    for (let size = readSync(descriptor, buffer); size > 0; size = readSync(descriptor, buffer)) {
      rest.push(Buffer.from(buffer.subarray(0, size)));
    }
    const text = Buffer.concat(rest);
    const end = text.lastIndexOf(10) + 1;
    rest.splice(0, rest.length, text.subarray(end));
    for (const line of text.subarray(0, end).toString().split("\n")) {
      if (line.startsWith("{")) onEvent(JSON.parse(line) as EngineEvent);
    }
  };
}
