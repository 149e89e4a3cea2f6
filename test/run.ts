/**
 * Runs the tests: `node test/run.ts [tier…]`. Sets up what they need, runs each tier to its end,
 * removes what they made, judges the figures that have a limit, and ends with one line
 * `N passed, N failed`; exit code 1 when any failed.
 */
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
  const state = result.failed === 0 ? "ok" : "FAILED";
  const counts = `${result.passed} ok, ${result.failed} not`;
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

function summarise(results: readonly TierResult[], setUpFailures: number): number {
  const sum = (pick: (result: TierResult) => number) =>
    results.reduce((total, result) => total + pick(result), 0);
  const failed = sum((result) => result.failed) + setUpFailures;
  process.stdout.write("\n");
  for (const { tier, seconds, failed: bad } of results) {
    process.stdout.write(`  ${bad === 0 ? "✓" : "✗"} ${tier} ${seconds.toFixed(1)} s\n`);
  }
  process.stdout.write(`${sum((result) => result.passed)} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await answered(() => main(process.argv.slice(2)));
