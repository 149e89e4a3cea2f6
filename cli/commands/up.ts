import { type Command, InvalidArgumentError } from "commander";
import { failedJob } from "../../components/job-failure.ts";
import type { Pace } from "../../config/pace.ts";
import { agentSocket } from "../../config/socket.ts";
import { globals } from "../context.ts";
import type { Engine } from "../engine/client.ts";
import { ofStack } from "../engine/labels.ts";
import { readRoom, tooFewNetworks } from "../engine/pools.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { paint, printJson } from "../output.ts";
import { backUpState } from "../pulumi/checkpoint.ts";
import { claiming } from "../pulumi/claim.ts";
import { RunReport } from "../pulumi/events.ts";
import { explainFailure } from "../pulumi/failure.ts";
import { assertOwn, refuseForeignData } from "../pulumi/owner.ts";
import { lockFile } from "../pulumi/places.ts";
import { recover } from "../pulumi/recovery.ts";
import { runPulumi } from "../pulumi/run.ts";
import { ensureStack } from "../pulumi/stack.ts";
import { readOutputs, type StackOutputs } from "../pulumi/state.ts";
import { interruptible } from "../setup/exec.ts";
import { setUp } from "../setup/index.ts";
import { acquire } from "../setup/lock.ts";
import { endWithParent } from "../setup/parent.ts";
import { assertPortsFree } from "../setup/ports.ts";
import { say, seconds, step } from "../setup/progress.ts";
import { lastLines, waitUntilReady } from "../setup/ready.ts";
import { declaredPlatform } from "../stackfile/declared.ts";
import { assertValid, readStackFile } from "../stackfile/edit.ts";

/** A run that has nothing to tell says what it waits for, in milliseconds. */
const HEARTBEAT = 15_000;

/** What `redfleet up --json` prints. */
interface UpResult {
  stack: string;
  domain: string;
  https: number;
  caFile: string | null;
  clusters: Record<string, { url: string; apiUrl: string }>;
  tenants: Record<string, { url: string; state: string }>;
  /** What `confirmDestroy` lists: its data is gone. */
  erased: readonly string[];
  /** True when the stack file is no longer what this run has applied. */
  outdated: boolean;
  /** Resources per operation: `{same: 60}` when nothing had to be done. */
  changes: Record<string, number>;
  seconds: number;
}

/** `redfleet up`: from a bare machine to a running platform; again: what has changed. */
export function registerUp(program: Command): void {
  program
    .command("up")
    .description("set everything up, bring the platform up, wait until it answers")
    .option("--wait <seconds>", "longest wait until everything answers", wholeSeconds, 180)
    .action(async ({ wait }: { wait: number }, command: Command) => {
      const { stack, json } = globals(command);
      const result = await up(stack, wait);
      if (json) printJson(result);
      else console.log(renderResult(result));
    });
}

function wholeSeconds(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("use a whole number of seconds, for example 60");
}

async function up(stack: string, limit: number): Promise<UpResult> {
  endWithParent();
  const started = Date.now();
  await assertValid(stack);
  // Held from the set-up on: a `down` or a second `up` that comes meanwhile waits for the end of this one.
  const lock = await acquire(lockFile(stack, "run"), `the stack "${stack}"`);
  const { docker, platform, text } = await lock.undisturbed(() => prepare(stack, lock.interrupted));
  backUpState(stack);
  const changes = await apply(docker, stack);
  const outputs = readOutputs(stack);
  const target = { endpoints: endpointsOf(outputs), config: platform.edge, limit };
  const caFile = await step("Everything answers", (note) =>
    interruptible(() => waitUntilReady(docker, stack, target, note)),
  );
  const outdated = (await readStackFile(stack)) !== text;
  await lock.release();
  const { domain, httpsPort, clusters, tenants } = outputs;
  const took = Math.round((Date.now() - started) / 100) / 10;
  const told = { stack, domain, https: httpsPort, caFile, clusters, tenants };
  return { ...told, erased: platform.confirmDestroy, outdated, changes, seconds: took };
}

/** What has to hold before anything is changed; the stack file is that of now, not of before a wait. */
async function prepare(stack: string, interrupted: boolean) {
  await assertValid(stack);
  const text = await readStackFile(stack);
  const platform = await declaredPlatform(stack);
  agentSocket(platform.target.socket, process.env.DOCKER_HOST);
  const refuseTaken = async (docker: Engine) => {
    await assertOwn(docker, stack);
    await refuseForeignData(docker, stack);
    await assertPortsFree(() => docker.listContainers(), stack, platform.edge);
  };
  // The set-up may take half an hour: nobody waits that long for a refusal, and much may have changed after it.
  const docker = await setUp(refuseTaken);
  await ensureStack(stack);
  await refuseTaken(docker);
  await recover(docker, stack, interrupted);
  const crowded = tooFewNetworks(await readRoom(docker, stack, platform.tenants));
  if (crowded) throw new CliError(crowded);
  return { docker, platform, text };
}

/** `pulumi up` with its steps as they end; on a failure the last lines of what failed. */
async function apply(docker: Engine, stack: string): Promise<Record<string, number>> {
  const started = Date.now();
  const working = (at: string) => say(`  ${paint("dim", "…")} pulumi up${at}`);
  working("");
  const report = new RunReport();
  const beat = setInterval(() => {
    const active = report.active().slice(0, 4).join(", ");
    working(` ${seconds(started)}${active && `: ${active}`}`);
  }, HEARTBEAT);
  try {
    const operation = ["up", "--yes", "--skip-preview"];
    const options = { report, pace: await choosePace(docker, stack) };
    const tell = (line: string) => say(`    ${line}`);
    const result = await claiming(stack, () => runPulumi(stack, operation, tell, options));
    if (result.code !== 0) throw await failed(docker, stack, result);
    const { changes } = result.report;
    say(`  ${paint("green", "✓")} pulumi up: ${renderChanges(changes)} ${seconds(started)}`);
    return changes;
  } finally {
    clearInterval(beat);
  }
}

/** Members start at once where nothing of the stack runs: nobody is served whom a start could disturb. */
async function choosePace(docker: Engine, stack: string): Promise<Pace> {
  const running = await docker.listContainers({ filters: ofStack(stack) });
  return running.length === 0 ? "at once" : "in turn";
}

/** A failed run in the words of Pulumi, and of what failed in it. */
async function failed(
  docker: Engine,
  stack: string,
  result: Awaited<ReturnType<typeof runPulumi>>,
): Promise<CliError> {
  const error = explainFailure(stack, "up", result);
  if (result.interrupted) return error;
  const job = failedJob(error.why ?? "");
  if (job) return new CliError({ ...error, ...(await explainJob(docker, job.name, job.code)) });
  const names = [...result.report.failedContainers];
  const lines = (await Promise.all(names.map((name) => lastLines(docker, name)))).flat();
  return lines.length === 0
    ? error
    : new CliError({ ...error, why: [error.why, ...lines].join("\n") });
}

/** The job itself knows best what went wrong. */
async function explainJob(docker: Engine, name: string, code: number) {
  const lines = await lastLines(docker, name);
  return {
    what: `the job ${name} failed (exit code ${code})`,
    why: lines.join("\n") || "it left no output",
    fix: `correct the cause, then ${redfleet("up")}: the job runs again, what is done stays done`,
  };
}

function renderChanges(changes: Record<string, number>): string {
  const entries = Object.entries(changes).filter(([name]) => name !== "same");
  if (entries.length === 0) return "nothing to change";
  return entries.map(([name, count]) => `${count} ${name}`).join(", ");
}

function endpointsOf({ clusters, tenants }: StackOutputs): { name: string; url: string }[] {
  const running = Object.entries(tenants).filter(([, { state }]) => state === "running");
  return [...Object.entries(clusters), ...running].map(([name, { url }]) => ({ name, url }));
}

/** Where everything answers, and how to log in; of a stopped tenant, how to start it. */
export function renderResult(result: UpResult): string {
  const command = (words: string) => redfleet(words, result.stack);
  const lines = [paint("bold", `The stack "${result.stack}" is up (${result.seconds} s).`), ""];
  const show = (name: string, url: string, state = "running") => {
    const login = `user admin, password: ${command(`password ${name}`)}`;
    const start = `stopped: ${command(`tenant start ${name} --up`)}`;
    lines.push(`  ${name.padEnd(16)} ${paint("cyan", url)}`);
    lines.push(`  ${"".padEnd(16)} ${state === "stopped" ? start : login}`);
  };
  for (const [name, { url, apiUrl }] of Object.entries(result.clusters)) {
    show(name, url);
    lines.push(`  ${"".padEnd(16)} its HTTP nodes: ${apiUrl}`);
  }
  for (const [name, { url, state }] of Object.entries(result.tenants)) show(name, url, state);
  if (result.caFile) lines.push("", `  CA certificate   ${result.caFile}`);
  if (result.erased.length > 0) {
    lines.push("", `  Erased: ${result.erased.join(", ")}. Take that out of confirmDestroy: the`);
    lines.push("  emptied volumes and the jobs that emptied them go with the next up.");
  }
  if (result.outdated) {
    lines.push(
      "",
      `  Pulumi.${result.stack}.yaml has changed since this run began: ${command("up")}`,
    );
  }
  const more = ["status", "logs <name>", "tenant add <name>", "down"].map(
    (words) => `    ${command(words)}`,
  );
  lines.push("", "  More:", ...more);
  return lines.join("\n");
}
