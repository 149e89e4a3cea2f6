import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureBrowser } from "./browser-setup.ts";
import { sweep } from "./engine.ts";
import { sweepMachines } from "./machine.ts";
import { ROOT } from "./process.ts";
import { setUpBases, setUpEngine, setUpPulumi, stopEngine } from "./setup.ts";
import type { Need } from "./tiers.ts";

/** What a test run stands on. */
export interface Environment {
  /** Steps of the set-up that failed; the tiers that need them fail on their own too. */
  readonly failures: number;
  /** Removes everything the tests made and stops the engine if the run started it. */
  release(): Promise<void>;
}

const STEPS: Readonly<Record<Need, () => Promise<void>>> = {
  engine: setUpEngine,
  bases: setUpBases,
  pulumi: setUpPulumi,
  browser: ensureBrowser,
};

/** Provides everything the tiers need, in a fixed order; a step that fails is told and counted. */
export async function prepare(needs: readonly Need[]): Promise<Environment> {
  let failures = 0;
  const wanted = (Object.keys(STEPS) as Need[]).filter((need) => needs.includes(need));
  if (wanted.length > 0) process.stdout.write("── set-up\n");
  for (const need of wanted) {
    const started = Date.now();
    try {
      await STEPS[need]();
      process.stdout.write(`  ✓ ${need} ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
    } catch (error) {
      failures += 1;
      process.stdout.write(`  ✗ ${need}: ${error instanceof Error ? error.message : error}\n`);
    }
  }
  return { failures, release: () => release(wanted.includes("engine")) };
}

async function release(usedEngine: boolean): Promise<void> {
  await sweepMachines();
  if (!usedEngine) return;
  const swept = await sweep();
  if (swept.length > 0) process.stdout.write(`\nremoved what tests left: ${swept.join(" ")}\n`);
  for (const file of globSync("Pulumi.test-*.yaml*", { cwd: ROOT })) rmSync(join(ROOT, file));
  await stopEngine();
}
