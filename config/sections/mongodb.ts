import { z } from "zod";
import { says } from "../problems.ts";
import { CaSecret, count, Memory } from "./values.ts";

/** A replica set has at most seven voters. */
export const MAX_MEMBERS = 7;

/** A replica set that somebody else runs. */
const External = z.strictObject({
  uriSecret: z
    .string()
    .optional()
    .describe(
      "Key in `redfleet:secrets`: connection string of a user with the roles `userAdminAnyDatabase`, `readWriteAnyDatabase` and `dbAdminAnyDatabase`. Each cluster and tenant gets a user of its own from it.",
    ),
  databases: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "Database (`cluster-<key>`, `tenant-<key>`) -> key in `redfleet:secrets`: connection string of a user who may read and write it. Instead of `uriSecret`, or beside it.",
    ),
  caSecret: CaSecret,
});

export type ExternalMongoDb = z.infer<typeof External>;

/** The flow store and the users. */
export const MongoDb = z.strictObject({
  external: External.optional().describe(
    "Use a replica set (MongoDB 5 or newer) that is there already instead of one of the stack's own. No other key of `mongodb` then.",
  ),
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

/** What is said of a replica set of the stack's own. */
export const OWN_MONGODB_KEYS = Object.keys(MongoDb.shape).filter((key) => key !== "external");

export type MongoDbConfig = z.infer<typeof MongoDb>;
