import type { Needs, Owner, Placed, Target, Volume, Workload } from "./target/types.ts";

/** A workload and the volume it keeps its data on. */
export interface Member {
  readonly data: Volume;
  readonly workload: Workload;
}

/**
 * Places members so that each waits until the one before is healthy: at the first start, and whenever a
 * change replaces them, so that never two are down at once. Returns them in order.
 */
export function placeInTurn(
  owner: Owner,
  target: Target,
  members: readonly Member[],
  needs: Needs,
): Placed[] {
  const placed: Placed[] = [];
  for (const { data, workload } of members) {
    target.volume(owner, data);
    placed.push(target.workload(owner, workload, placed.length === 0 ? needs : placed.slice(-1)));
  }
  return placed;
}
