import { z } from "zod";
import { CaSecret, count, memoryFrom } from "./values.ts";

const CODE = "REDFLEET_CFG_SENTINEL";

/** Servers that somebody else runs. */
const External = z.strictObject({
  urlSecret: z
    .string()
    .optional()
    .describe(
      "Key in `redfleet:secrets`: connection string for all clusters, `rediss://user:password@host:6379/0` or, for Sentinels, `rediss-sentinel://user:password@host1:26379,host2:26379/0#primary`. Each cluster has a prefix of its own in it.",
    ),
  clusters: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "Cluster -> key in `redfleet:secrets`: connection string of its own, with rights on `nr:cluster-<key>:*` and the channels of that name. Instead of `urlSecret`, or before it.",
    ),
  caSecret: CaSecret,
  waitReplicas: count(0, 5, "REDFLEET_CFG_VALUE", "0..5 replicas")
    .default(0)
    .describe(
      "Replicas that must have a save of flows before it counts, with `flowStore: valkey`.",
    ),
});

export type ExternalValkey = z.infer<typeof External>;

/** Shared context and locks: one primary, its replicas, and the Sentinels that watch them. */
export const Valkey = z.strictObject({
  external: External.optional().describe(
    "Use a server or Sentinel group (Valkey, or Redis 6 or newer) that is there already instead of one of the stack's own. No other key of `valkey` then.",
  ),
  replicas: count(0, 5, CODE, "0..5 replicas beside the primary")
    .default(2)
    .describe("Replicas beside the primary; 0 only with `dev: true` and no Sentinels."),
  sentinels: count(0, 7, CODE, "0..7 Sentinels")
    .default(3)
    .describe("Sentinels: odd, 3 or more; 0 only with `dev: true` and no replicas."),
  quorum: count(1, 7, CODE, "a quorum of 1..7 Sentinels")
    .optional()
    .describe("Sentinels that must agree that the primary is down. Default: the majority."),
  minReplicasToWrite: count(0, 5, CODE, "0..5 replicas")
    .default(1)
    .describe("Replicas that must be in touch for the primary to take writes."),
  downAfterMs: count(1000, 600_000, CODE, "at least 1000 ms")
    .default(5000)
    .describe("Milliseconds without an answer until a primary counts as down."),
  failoverTimeoutMs: count(1000, 3_600_000, CODE, "at least 1000 ms")
    .default(15_000)
    .describe("Milliseconds for one fail-over; a failed one is retried after twice that."),
  tls: z
    .boolean()
    .default(false)
    .describe("Encrypt every connection to servers and Sentinels, as `mongodb.tls` does."),
  memory: memoryFrom(32)
    .prefault("128 MB")
    .describe("Memory limit of each server; data may use 60 % of it."),
  sentinelMemory: memoryFrom(32).prefault("64 MB").describe("Memory limit of each Sentinel."),
});

/** What is said of servers of the stack's own. */
export const OWN_VALKEY_KEYS = Object.keys(Valkey.shape).filter((key) => key !== "external");

export type ValkeyConfig = z.infer<typeof Valkey>;
