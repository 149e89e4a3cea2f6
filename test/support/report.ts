import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./process.ts";

/** Where measured figures of test runs are kept, one JSON object a line; git-ignored. */
const FIGURES = join(ROOT, ".redfleet", "figures.jsonl");

/** What a figure may be on a quiet machine with two cores. */
export interface Limit {
  readonly atMost: number;
  /** What a time mostly is: the work of processors, or waiting for leases and timers. Default `work`. */
  readonly of?: "work" | "waits";
}

/** The limit of a time that is mostly waiting for leases and timers. */
export const waits = (atMost: number): Limit => ({ atMost, of: "waits" });

/** A measured figure, with its limit unless it is only of interest. */
export interface Figure extends Partial<Limit> {
  /** When it was measured, in ISO 8601. */
  readonly at: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/**
 * How many times its limit a time may be before a run fails: a machine that does other work is slower, but not
 * that much, and waits hardly become longer.
 */
const SLACK = { work: 4, waits: 1.5 };
/** Units of times. Anything else does not depend on what else runs. */
const TIMES = ["s", "ms"];

/**
 * Tells a measured figure: on the console and, for later, in the figures file. Tests assert no times;
 * the run judges at its end what has a limit.
 * @throws when it is no number: what was to be measured has not happened
 */
export function report(name: string, value: number, unit: string, limit?: Limit): void {
  if (!Number.isFinite(value)) throw new Error(`${name}: ${value} is no measurement`);
  const rounded = Number(value.toPrecision(4));
  const figure: Figure = { at: new Date().toISOString(), name, value: rounded, unit, ...limit };
  process.stdout.write(`  figure: ${told(figure)}\n`);
  mkdirSync(join(ROOT, ".redfleet"), { recursive: true });
  appendFileSync(FIGURES, `${JSON.stringify(figure)}\n`);
}

/** All figures that this clone's tests have recorded since a moment, oldest first. */
export function figuresSince(moment: Date): Figure[] {
  if (!existsSync(FIGURES)) return [];
  const lines = readFileSync(FIGURES, "utf8").split("\n").filter(Boolean);
  const figures = lines.map((line) => JSON.parse(line) as Figure);
  return figures.filter(({ at }) => new Date(at) >= moment);
}

/** What a figure's limit makes of it. */
export function judge({
  value,
  unit,
  atMost,
  of = "work",
}: Figure): "none" | "met" | "missed" | "broken" {
  if (atMost === undefined) return "none";
  if (value <= atMost) return "met";
  const slack = TIMES.includes(unit) ? SLACK[of] : 1;
  return value <= atMost * slack ? "missed" : "broken";
}

/** A figure as a line for people. */
export function told(figure: Figure): string {
  const { name, value, unit, atMost } = figure;
  const limit = atMost === undefined ? "" : ` (at most ${atMost}: ${judge(figure)})`;
  return `${name} ${value} ${unit}${limit}`;
}
