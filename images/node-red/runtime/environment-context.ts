/** The part of the environment that is about shared context. */
import type { Reader } from "./environment-reader.ts";

/** Names of the context stores that flows see. */
export type ContextStoreName = "memory" | "shared";

/** How flows see shared context. */
export interface ContextConfig {
  /** Store of flows that name none. */
  default: ContextStoreName;
  /** Keep a copy in memory, for reads without a callback. */
  synchronous: boolean;
  /** Time until an operation is given up. */
  timeoutSeconds: number;
}

/** Reads it. */
export function readContext(reader: Reader): ContextConfig {
  const key = "REDFLEET_CONTEXT_DEFAULT";
  const store = reader.oneOf(key, ["memory", "shared"] as const, "memory");
  if (store === "shared" && !reader.source.REDFLEET_VALKEY_FILE) {
    reader.fail(key, "shared", "needs REDFLEET_VALKEY_FILE", "set it, or take memory");
  }
  const flag = reader.oneOf("REDFLEET_CONTEXT_SYNCHRONOUS", ["false", "true"] as const, "false");
  // Longer than a failover: a primary that hangs is replaced, and written to again, after 4 to 5 s.
  const timeoutSeconds = reader.number("REDFLEET_CONTEXT_TIMEOUT_SECONDS", 10, 1, 60);
  return { default: store, synchronous: flag === "true", timeoutSeconds };
}
