import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "./checks.ts";
import { binary, ROOT, run } from "./process.ts";
import type { Tier } from "./tiers.ts";

/** What came out of one tier. */
export interface TierResult {
  readonly tier: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

/** The part of vitest's JSON report that is counted. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** Runs one tier to its end, whatever happens in it. */
export async function runTier(tier: Tier): Promise<TierResult> {
  const started = Date.now();
  const counts = tier.name === "checks" ? await runChecks() : await runVitest(tier);
  return { tier: tier.name, ...counts, seconds: (Date.now() - started) / 1000 };
}

async function runVitest(tier: Tier): Promise<{ passed: number; failed: number }> {
  const file = join(tmpdir(), `redfleet-test-${process.pid}-${tier.name}.json`);
  const code = await run(process.execPath, vitestArguments(tier, file), {
    seconds: tier.tierSeconds,
  });
  const counts = countReport(file);
  rmSync(file, { force: true });
  const nothingRan = counts.passed + counts.failed === 0;
  const failedOutside = code !== 0 && counts.failed === 0;
  return { ...counts, failed: counts.failed + (nothingRan || failedOutside ? 1 : 0) };
}

function vitestArguments(tier: Tier, reportFile: string): string[] {
  return [
    binary("vitest"),
    "run",
    "--root",
    ROOT,
    "--dir",
    join("test", tier.name),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportFile}`,
    `--testTimeout=${tier.testSeconds * 1000}`,
    `--hookTimeout=${tier.testSeconds * 1000}`,
    ...(tier.parallel ? [] : ["--no-file-parallelism"]),
  ];
}

/** Counts a report; a skipped test and a file that did not load count as failed. */
function countReport(file: string): { passed: number; failed: number } {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 0 };
  }
  const tests = report.testResults.flatMap((entry) => entry.assertionResults);
  const passed = tests.filter((test) => test.status === "passed").length;
  const unloaded = report.testResults.filter(
    (entry) => entry.status === "failed" && entry.assertionResults.length === 0,
  );
  return { passed, failed: tests.length - passed + unloaded.length };
}
