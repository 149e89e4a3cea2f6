import { z } from "zod";
import { says } from "../problems.ts";
import { count, Memory } from "./values.ts";

/** A replica set has at most seven voters. */
export const MAX_MEMBERS = 7;

/** The flow store and the users. */
export const MongoDb = z.strictObject({
  members: z
    .int()
    .min(1, says("REDFLEET_CFG_MEMBERS", "at least one member", "use 3"))
    .max(MAX_MEMBERS, says("REDFLEET_CFG_MEMBERS", "at most 7 voters", "use 3, 5 or 7"))
    .default(3)
    .describe("Members of the replica set: odd, 3 or more; 1 only with `dev: true`."),
  memory: Memory.prefault("400 MB").describe(
    "Memory limit of each member. In place, unless the cache follows it: that replaces one member after the other.",
  ),
  cache: Memory.optional().describe(
    "WiredTiger cache of each member. Default: half of the memory, but 256 MB at least (the server takes no less).",
  ),
  tls: z
    .boolean()
    .default(false)
    .describe(
      "Encrypt every connection, by certificates that the agent issues and renews; clients check them. Off by default, because the data network never leaves this machine. A change interrupts writes while the members follow each other.",
    ),
  oplogMb: count(990, 1_000_000, "REDFLEET_CFG_VALUE", "an oplog of at least 990 MB")
    .default(990)
    .describe("Oplog in MB: how long a change stream may be away."),
});

export type MongoDbConfig = z.infer<typeof MongoDb>;
