import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "./checks.ts";
import type { Failure, Outcome } from "./outcome.ts";
import { binary, ROOT, run } from "./process.ts";
import type { Tier } from "./tiers.ts";
import { type FileResult, takeReport } from "./vitest-report.ts";

/** What came out of one tier. */
export interface TierResult extends Outcome {
  readonly tier: string;
  readonly seconds: number;
}

/** Runs one tier to its end, whatever happens in it. */
export async function runTier(tier: Tier): Promise<TierResult> {
  const started = Date.now();
  const outcome = tier.name === "checks" ? await runChecks() : await runTests(tier);
  return { tier: tier.name, ...outcome, seconds: (Date.now() - started) / 1000 };
}

/**
 * Runs a tier's files. On real systems, a file that fails runs once more, alone, so that one slow
 * election among hundreds does not void an hour; nothing of the first failure is hidden.
 */
async function runTests(tier: Tier): Promise<Outcome> {
  const first = await runFiles(tier);
  const failed = first.filter((result) => result.failures.length > 0);
  const again = failed.filter(({ file }) => file !== OUTSIDE).map(({ file }) => file);
  if (again.length === 0 || tier.needs.length === 0) return outcome(first, []);
  process.stdout.write(`\n── ${tier.name}, once more: ${again.join(" ")}\n`);
  const second = await runFiles({ ...tier, workers: 1 }, again);
  const settled = first.filter(({ file }) => !again.includes(file));
  return outcome(
    [...settled, ...second],
    failed.flatMap(({ failures }) => failures),
  );
}

function outcome(results: readonly FileResult[], before: readonly Failure[]): Outcome {
  const failed = results.flatMap(({ failures }) => failures);
  const still = new Set(failed.map(({ test }) => test));
  const passed = results.reduce((total, result) => total + result.passed, 0);
  return { passed, failed, unsteady: before.filter(({ test }) => !still.has(test)) };
}

/** Stands for a failure that belongs to no file. */
const OUTSIDE = "";

async function runFiles(tier: Tier, files: readonly string[] = []): Promise<FileResult[]> {
  const report = join(tmpdir(), `redfleet-test-${process.pid}.json`);
  const code = await run(process.execPath, vitestArguments(tier, files, report), {
    seconds: tier.tierSeconds,
  });
  const results = takeReport(report);
  const sound = code === 0 || results.some(({ failures }) => failures.length > 0);
  if (results.length > 0 && sound) return results;
  const message = results.length === 0 ? "nothing ran" : `vitest ended with ${code}`;
  return [...results, { file: OUTSIDE, passed: 0, failures: [{ test: tier.name, message }] }];
}

function vitestArguments(tier: Tier, files: readonly string[], report: string): string[] {
  return [
    binary("vitest"),
    "run",
    ...files,
    "--root",
    ROOT,
    "--dir",
    join("test", tier.name),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    `--testTimeout=${tier.testSeconds * 1000}`,
    `--hookTimeout=${tier.testSeconds * 1000}`,
    `--maxWorkers=${tier.workers}`,
    ...(tier.workers > 1 ? [] : ["--no-file-parallelism"]),
  ];
}
