import type { Pace } from "../config/pace.ts";
import type { Needs, Owner, Placed, Target, Volume, Workload } from "./target/types.ts";

/** A workload and the volume it keeps its data on. */
export interface Member {
  readonly data: Volume;
  readonly workload: Workload;
}

/**
 * Places members. In turn each waits until the one before is healthy, whenever a change replaces them, so
 * that never two are down at once. Returns them in order.
 */
export function placeMembers(
  owner: Owner,
  target: Target,
  members: readonly Member[],
  needs: Needs,
  pace: Pace,
): Placed[] {
  const placed: Placed[] = [];
  for (const { data, workload } of members) {
    target.volume(owner, data);
    const isFirst = placed.length === 0;
    placed.push(
      target.workload(owner, workload, isFirst || pace === "at once" ? needs : placed.slice(-1)),
    );
  }
  return placed;
}
