import type { AdminApi, ContextStores } from "../edge/admin.ts";
import type { ContextValue, Found } from "./types.ts";

/** The context store that all workers of a cluster share. */
const SHARED = "shared";

/** Most values of one request, and most characters of them unless one alone has more. */
const MOST_VALUES = 64;
const MOST_LENGTH = 1024 * 1024;

/** What becomes of a source's shared context here. */
export interface ContextPlan {
  readonly values: readonly ContextValue[];
  readonly leftOut: readonly string[];
  readonly notes: readonly string[];
}

/**
 * What of the shared context can be taken over.
 * @param stores those of the target
 * @param into key of the cluster or tenant
 */
export function planContext(
  { sharedContext }: Found,
  stores: ContextStores,
  into: string,
): ContextPlan {
  const nothing = { values: [], leftOut: [], notes: [] };
  if (sharedContext === undefined) return nothing;
  if (!stores.stores.includes(SHARED)) {
    if (sharedContext.length === 0) return nothing;
    const why = `${into} has no shared context, as only clusters have`;
    return { ...nothing, leftOut: [`context: ${sharedContext.length} values; ${why}`] };
  }
  const key = `clusters.${into}.context: { default: shared, synchronous: true }`;
  const note = `flows that name no context store shared their values there, and each worker has its own here; set ${key}`;
  return { ...nothing, values: sharedContext, notes: stores.default === SHARED ? [] : [note] };
}

/** Writes values into the shared context. */
export async function saveContext(values: readonly ContextValue[], admin: AdminApi): Promise<void> {
  for (const part of parts(values)) await admin.saveContext(part);
}

function* parts(values: readonly ContextValue[]): Generator<ContextValue[]> {
  let part: ContextValue[] = [];
  let length = 0;
  for (const value of values) {
    const own = JSON.stringify(value.value).length;
    if (part.length === MOST_VALUES || (part.length > 0 && length + own > MOST_LENGTH)) {
      yield part;
      part = [];
      length = 0;
    }
    part.push(value);
    length += own;
  }
  if (part.length > 0) yield part;
}
