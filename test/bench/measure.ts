import type { Row, Target } from "./types.ts";

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The value below which a share of the numbers lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Who is measured: the platform, the peer, and what the machine can do at best. */
export type Side = "ours" | "peer" | "limit";

/**
 * Measures all sides in turn, several rounds, so that a disturbance hits all alike. The first
 * round warms up and does not count.
 * @returns all counted values of each side.
 */
export async function interleave<T, S extends string = Side>(
  rounds: number,
  sides: Readonly<Record<S, () => Promise<T>>>,
): Promise<Record<S, T[]>> {
  const names = Object.keys(sides) as S[];
  const values = Object.fromEntries(names.map((side) => [side, [] as T[]])) as Record<S, T[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const side of names) {
      const value = await sides[side]();
      if (round > 0) values[side].push(value);
    }
  }
  return values;
}

/** One number out of each counted value. */
export function pickAll<T, S extends string>(
  values: Readonly<Record<S, readonly T[]>>,
  pick: (value: T) => number,
): Record<S, number[]> {
  const sides = Object.entries<readonly T[]>(values);
  return Object.fromEntries(sides.map(([side, all]) => [side, all.map(pick)])) as Record<
    S,
    number[]
  >;
}

/** The counted values of each side. */
interface Values extends Readonly<Record<"ours" | "limit", readonly number[]>> {
  readonly peer?: readonly number[];
}

const round = (value: number) => Number(value.toPrecision(4));

/** A row out of the counted values of each side; where no peer can be compared, without it. */
export function row(
  id: string,
  metric: string,
  unit: string,
  values: Values,
  target?: Target,
): Row {
  const [ours, limit] = [median(values.ours), median(values.limit)];
  const peer = values.peer && median(values.peer);
  const range = `${round(Math.min(...values.ours))} to ${round(Math.max(...values.ours))}`;
  const over = (bound: number) => (bound === ours ? 1 : ours / bound);
  const ratios = { ours, peer: peer === undefined ? Number.NaN : over(peer), limit: over(limit) };
  return {
    id,
    metric,
    unit,
    ours: round(ours),
    limit: round(limit),
    ...(peer !== undefined && { peer: round(peer), ratio: round(ratios.peer) }),
    toLimit: round(ratios.limit),
    ...(target && { target: judge(target, ratios[target.of], unit) }),
    note: `${values.ours.length} values, ours ${range}`,
  };
}

function judge({ of, atMost, atLeast }: Target, value: number, unit: string) {
  const met = value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? 0);
  const bound = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
  const text = of === "ours" ? `${bound} ${unit}`.trim() : `${bound} × ${of}`;
  return { text, met };
}
