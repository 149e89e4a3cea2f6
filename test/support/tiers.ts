import { UsageError } from "./usage.ts";

/** One tier of the tests: a folder below `test/`, run as one vitest process. */
export interface Tier {
  readonly name: string;
  /** What must be there before the tier starts. */
  readonly needs: readonly Need[];
  /** Bound of one test, in seconds. */
  readonly testSeconds: number;
  /** Bound of the whole tier, in seconds; the tier is ended and counts as failed after it. */
  readonly tierSeconds: number;
  /** How many files run side by side: more than one only where no two share a stack or a port. */
  readonly workers: number;
  /** Part of a plain `redfleet test`; the others run only when they are named. */
  readonly byDefault: boolean;
}

/** What the set-up of a test run can provide. */
export type Need = "engine" | "bases" | "pulumi" | "browser";

function tier(name: string, minutes: number, more: Partial<Tier> = {}): Tier {
  return {
    name,
    needs: [],
    testSeconds: 30,
    tierSeconds: minutes * 60,
    workers: 1,
    byDefault: true,
    ...more,
  };
}

const engine: readonly Need[] = ["engine", "bases"];
const platform: readonly Need[] = [...engine, "pulumi"];

/** All tiers in the order in which they run: the cheap ones first. */
export const TIERS: readonly Tier[] = [
  tier("checks", 5),
  tier("unit", 5, { workers: 2 }),
  tier("property", 5, { workers: 2 }),
  tier("graph", 5, { workers: 2, testSeconds: 60 }),
  tier("stores", 25, { needs: engine, workers: 2, testSeconds: 180 }),
  tier("edge", 20, { needs: engine, workers: 2, testSeconds: 180 }),
  tier("runtime", 45, { needs: [...engine, "browser"], workers: 2, testSeconds: 180 }),
  tier("preview", 15, { needs: platform, testSeconds: 300 }),
  tier("e2e", 60, { needs: [...platform, "browser"], testSeconds: 600 }),
  tier("torture", 60, { needs: engine, testSeconds: 180, byDefault: false }),
  tier("faults", 60, { needs: platform, testSeconds: 300, byDefault: false }),
  tier("kills", 240, { testSeconds: 7200, byDefault: false }),
];

/**
 * The tiers to run for the names given on the command line; none given means all default tiers.
 * @throws for a name that is no tier, listing those that are.
 */
export function selectTiers(names: readonly string[]): Tier[] {
  const unknown = names.filter((name) => !TIERS.some((tier) => tier.name === name));
  if (unknown.length > 0) {
    const known = TIERS.map((tier) => tier.name).join(" ");
    throw new UsageError(`no such tier: ${unknown.join(" ")}; there are: ${known}`);
  }
  if (names.length === 0) return TIERS.filter((tier) => tier.byDefault);
  return TIERS.filter((tier) => names.includes(tier.name));
}
