import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./process.ts";

/** Where measured figures of test runs are kept, one JSON object a line; git-ignored. */
export const FIGURES = join(ROOT, ".redfleet", "figures.jsonl");

/** Tells a measured figure: on the console and, for later, in the figures file. */
export function report(name: string, value: number, unit: string): void {
  const rounded = Number(value.toPrecision(4));
  process.stdout.write(`  figure: ${name} ${rounded} ${unit}\n`);
  mkdirSync(join(ROOT, ".redfleet"), { recursive: true });
  const line = JSON.stringify({ at: new Date().toISOString(), name, value: rounded, unit });
  appendFileSync(FIGURES, `${line}\n`);
}
