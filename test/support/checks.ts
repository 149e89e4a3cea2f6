import type { Failure, Outcome } from "./outcome.ts";
import { binary, run } from "./process.ts";

/** The static checks; each counts as one test. */
const CHECKS: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "format and lint (biome)", command: [binary("@biomejs/biome", "biome"), "check", "."] },
  { name: "types (tsc)", command: [binary("typescript", "tsc"), "--noEmit"] },
  { name: "dead code (knip)", command: [binary("knip"), "--no-progress"] },
];

/** Runs all checks and prints one line for each. */
export async function runChecks(): Promise<Outcome> {
  const failed: Failure[] = [];
  for (const check of CHECKS) {
    const code = await run(process.execPath, check.command, { seconds: 180 });
    process.stdout.write(`  ${code === 0 ? "✓" : "✗"} ${check.name}\n`);
    if (code !== 0) failed.push({ test: check.name, message: `ended with ${code}` });
  }
  return { passed: CHECKS.length - failed.length, failed, unsteady: [] };
}
