/**
 * Runs the tests: `node test/run.ts [tier…]`. Sets up what they need, runs each tier to its end,
 * removes what they made, judges the figures that have a limit, and ends with one line
 * `N passed, N failed`; exit code 1 when any failed.
 */
import type { Failure } from "./support/outcome.ts";
import { prepare } from "./support/prepare.ts";
import { endAll } from "./support/process.ts";
import { figuresSince, judge, told } from "./support/report.ts";
import { runTier, type TierResult } from "./support/run-tier.ts";
import { selectTiers, type Tier } from "./support/tiers.ts";
import { answered } from "./support/usage.ts";

async function main(names: readonly string[]): Promise<number> {
  const tiers = selectTiers(names);
  const started = new Date();
  const environment = await prepare(tiers.flatMap((tier) => tier.needs));
  const results: TierResult[] = [];
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    endAll();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  try {
    for (const tier of tiers) if (!interrupted) results.push(await announced(tier));
  } finally {
    await environment.release();
  }
  const missing = tiers.length - results.length;
  return summarise(results, environment.failures + missing + judgeFigures(started));
}

async function announced(tier: Tier): Promise<TierResult> {
  process.stdout.write(`\n── ${tier.name}\n`);
  const result = await runTier(tier);
  const state = result.failed.length === 0 ? "ok" : "FAILED";
  const counts = `${result.passed} ok, ${result.failed.length} not`;
  process.stdout.write(`── ${tier.name} ${state}: ${counts}, ${result.seconds.toFixed(1)} s\n`);
  return result;
}

/** Tells every figure that has a limit. @returns how many are too far beyond it. */
function judgeFigures(since: Date): number {
  const figures = figuresSince(since).filter((figure) => judge(figure) !== "none");
  if (figures.length > 0) process.stdout.write("\n── figures with a limit\n");
  for (const figure of figures) process.stdout.write(`  ${told(figure)}\n`);
  return figures.filter((figure) => judge(figure) === "broken").length;
}

function summarise(results: readonly TierResult[], otherFailures: number): number {
  const failed = results.flatMap((result) => result.failed);
  tell("failed", failed);
  tell(
    "unsteady: failed, then passed alone",
    results.flatMap((result) => result.unsteady),
  );
  process.stdout.write("\n");
  for (const { tier, seconds, failed: bad } of results) {
    process.stdout.write(`  ${bad.length === 0 ? "✓" : "✗"} ${tier} ${seconds.toFixed(1)} s\n`);
  }
  const passed = results.reduce((total, result) => total + result.passed, 0);
  const count = failed.length + otherFailures;
  process.stdout.write(`${passed} passed, ${count} failed\n`);
  return count === 0 ? 0 : 1;
}

function tell(title: string, failures: readonly Failure[]): void {
  if (failures.length > 0) process.stdout.write(`\n── ${title}\n`);
  for (const { test, message } of failures) process.stdout.write(`  ${test}\n    ${message}\n`);
}

process.exitCode = await answered(() => main(process.argv.slice(2)));
