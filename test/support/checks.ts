import { binary, run } from "./process.ts";

/** The static checks; each counts as one test. */
const CHECKS: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "format and lint (biome)", command: [binary("@biomejs/biome", "biome"), "check", "."] },
  { name: "types (tsc)", command: [binary("typescript", "tsc"), "--noEmit"] },
  { name: "dead code (knip)", command: [binary("knip"), "--no-progress"] },
];

/** Runs all checks, prints one line for each, and counts them. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  for (const check of CHECKS) {
    const code = await run(process.execPath, check.command, { seconds: 180 });
    process.stdout.write(`  ${code === 0 ? "✓" : "✗"} ${check.name}\n`);
    if (code === 0) passed += 1;
  }
  return { passed, failed: CHECKS.length - passed };
}
