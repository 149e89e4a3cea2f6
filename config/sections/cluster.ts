import { z } from "zod";
import { says } from "../problems.ts";
import { moduleKeys } from "./modules.ts";
import {
  Cpus,
  count,
  Environment,
  memoryFrom,
  NODE_RED_MEMORY,
  RenamedFrom,
  SecretEnvironment,
} from "./values.ts";

const PREFIX_RULE = says(
  "REDFLEET_CFG_PATH_PREFIX",
  "one or more path segments, no slash at the end",
  "use /red-nodes",
);

const CONTEXT_RULE = says("REDFLEET_CFG_VALUE", "memory or shared", "use memory");

/** Context of the flows: each worker's own in memory, or one for the cluster in Valkey. */
const Context = z.strictObject({
  default: z
    .enum(["memory", "shared"], CONTEXT_RULE)
    .default("memory")
    .describe(
      "Context store of flows that name none: `memory` is each worker's own, `shared` the cluster's.",
    ),
  synchronous: z
    .boolean()
    .default(false)
    .describe(
      "Keep a copy of the shared context in each worker, so that flows read it without a callback.",
    ),
  timeoutSeconds: count(1, 60, "REDFLEET_CFG_VALUE", "1..60 seconds until an operation is given up")
    .default(10)
    .describe(
      "Seconds until an operation on the shared context ends with an error. Shorter than a failover of Valkey, and flows see one as errors.",
    ),
});

/** One editor and N API replicas that run the same flows. */
export const Cluster = z.strictObject({
  apiReplicas: count(1, 50, "REDFLEET_CFG_REPLICAS", "at least one replica, at most 50")
    .default(3)
    .describe("API replicas. A change touches only the replicas that come or go."),
  apiPrefix: z
    .string()
    .regex(/^(\/\.?[A-Za-z0-9][A-Za-z0-9._~-]*)+$/, PREFIX_RULE)
    .default("/red-nodes")
    .describe("Path prefix that goes to the replicas; the rest goes to the editor."),
  host: z.string().optional().describe("Host label below the domain. Default: the cluster's key."),
  renamedFrom: RenamedFrom,
  displayName: z.string().max(80).optional().describe("Title in the editor. Default: the key."),
  nodeRed: z
    .union([z.literal(5), z.literal(4)])
    .default(5)
    .describe("Node-RED's major version."),
  flowStore: z
    .enum(["mongodb", "valkey"])
    .default("mongodb")
    .describe(
      "Where flows, users, sessions and library live. `valkey` can lose a save when two of its servers go at once. A change starts with nothing: `redfleet import` or a copy in the editor moves flows.",
    ),
  editorMemory: memoryFrom(NODE_RED_MEMORY)
    .prefault("384 MB")
    .describe("Memory limit of the editor; heap is 75 %."),
  replicaMemory: memoryFrom(NODE_RED_MEMORY)
    .prefault("320 MB")
    .describe("Memory limit of a replica; heap is 75 %."),
  editorCpus: Cpus.prefault(1).describe("CPUs of the editor."),
  replicaCpus: Cpus.prefault(1).describe("CPUs of each replica."),
  sticky: z.boolean().default(false).describe("Keep a client on one replica by a cookie."),
  drainSeconds: count(2, 8, "REDFLEET_CFG_VALUE", "2..8 seconds: the edge needs them to look away")
    .default(5)
    .describe("Seconds in which a stopping replica finishes requests."),
  context: Context.prefault({}).describe("Context stores of the flows: `memory` and `shared`."),
  env: Environment.default({}).describe("Environment of the flows, editor and replicas alike."),
  secretEnv: SecretEnvironment.default({}).describe("Variable -> key in `redfleet:secrets`."),
  ...moduleKeys(["*"]),
});

export type ClusterConfig = z.infer<typeof Cluster>;
