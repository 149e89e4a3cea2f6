import { KEY_PATTERN, KEY_RULE } from "./names.ts";
import { says } from "./problems.ts";

/** Start of an entry of `confirmDestroy` that names a cluster; a tenant is named by its key alone. */
const CLUSTER = "clusters.";

const KEY = KEY_PATTERN.source.slice(1, -1);
export const CONFIRMED_PATTERN = new RegExp(`^(clusters\\.)?${KEY}$`);
export const CONFIRMED_RULE = says(
  "REDFLEET_CFG_NAME",
  `a tenant's key or clusters.<key>: ${KEY_RULE}`,
  "name a tenant or a cluster",
);

/** Whose data is to be erased. */
export interface Confirmed {
  readonly kind: "cluster" | "tenant";
  /** What the objects are called: the key that it had at first. */
  readonly identity: string;
}

/** An entry of `confirmDestroy`: `acme` is a tenant, `clusters.main` a cluster. */
export function confirmed(entry: string): Confirmed {
  if (!entry.startsWith(CLUSTER)) return { kind: "tenant", identity: entry };
  return { kind: "cluster", identity: entry.slice(CLUSTER.length) };
}

/** The entry that confirms the erasure of a tenant or cluster. */
export function confirmation({ kind, identity }: Confirmed): string {
  return kind === "tenant" ? identity : `${CLUSTER}${identity}`;
}
