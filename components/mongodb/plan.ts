import { physicalName } from "../../config/names.ts";
import { memberAddress } from "../../config/network.ts";
import type { MongoDbConfig } from "../../config/sections/mongodb.ts";
import type { Member } from "../chain.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import { healthCheck, IMAGE_HEALTH } from "../health.ts";
import { JOB_LIMITS, JOB_USER } from "../jobs.ts";
import type { FileContent, Job, Volume, Workload } from "../target/types.ts";
import { memberTls, TRUST_FILE, trustMount } from "../tls.ts";
import { memberHosts, memberServer, REPLICA_SET } from "./members.ts";

/** Threads of a member beside those of its connections: 54 while idle, more while it copies data. */
const OWN_THREADS = 150;

const USER = { uid: 999, gid: 999 };

/** Secrets of a replica set. */
export interface ReplicaSetSecrets {
  /** Shared by the members: base64 of 756 random bytes. */
  readonly keyfile: FileContent;
  /** Password of the user `redfleet-admin`. */
  readonly admin: FileContent;
}

/** A replica set: members in order, each after the one before, then the job that makes them a set. */
export interface ReplicaSetPlan {
  readonly members: readonly Member[];
  readonly init: Job;
  /** `host:port` that clients start from: the first three members, so that growth does not touch them. */
  readonly seeds: readonly string[];
}

/** Plans the members and their initiation. `id` is the component's name. */
export function planReplicaSet(
  id: string,
  context: PlanContext,
  config: MongoDbConfig & { readonly dev: boolean },
  secrets: ReplicaSetSecrets,
): ReplicaSetPlan {
  const ordinals = Array.from({ length: config.members }, (_, member) => member);
  const hosts = ordinals.map((member) => memberServer(context, member));
  return {
    members: ordinals.map((member) => ({
      data: planData(id, context, member, config.dev),
      workload: planMember(id, context, config, secrets, member),
    })),
    init: planInit(id, context, hosts, secrets, config.tls),
    seeds: hosts.slice(0, 3),
  };
}

/** Members below the smallest legal count never go, so they are protected; later ones may be scaled away. */
function planData(id: string, { stack }: PlanContext, member: number, dev: boolean): Volume {
  return {
    id: `${id}-${member}.data`,
    name: `${physicalName(stack, "mongodb", member)}-data`,
    identity: { stack, component: "mongodb", member },
    durability: member < (dev ? 1 : 3) ? "protected" : "retained",
  };
}

function planMember(
  id: string,
  context: PlanContext,
  config: MongoDbConfig,
  secrets: ReplicaSetSecrets,
  member: number,
): Workload {
  const { stack, subnet, networks } = context;
  const name = physicalName(stack, "mongodb", member);
  const tls = config.tls ? memberTls(stack, "mongodb", name) : undefined;
  return {
    id: `${id}-${member}`,
    name,
    identity: { stack, component: "mongodb", member },
    image: "mongodb",
    command: ["/redfleet/start"],
    environment: {
      ...commonEnvironment(stack, "mongodb", undefined, member),
      REDFLEET_REPLICA_SET: REPLICA_SET,
      REDFLEET_CACHE_GB: (cacheMegabytes(config) / 1024).toFixed(2),
      REDFLEET_OPLOG_MB: String(config.oplogMb),
      REDFLEET_MAX_CONNECTIONS: String(maxConnections(config)),
      REDFLEET_KEYFILE_FILE: "/run/redfleet/keyfile",
      ...tls?.environment,
    },
    user: USER,
    memory: config.memory,
    pids: maxConnections(config) + OWN_THREADS,
    mounts: [{ volume: `${name}-data`, path: "/data/db" }, ...(tls?.mounts ?? [])],
    // Only config servers write there, but the server's image declares it as a volume.
    scratch: ["/data/configdb"],
    files: [{ name: "keyfile", content: secrets.keyfile }],
    networks: [{ network: networks.data, address: memberAddress(subnet, "mongodb", member) }],
    hosts: memberHosts(context),
    health: healthCheck(IMAGE_HEALTH),
    waitSeconds: 180,
    graceSeconds: 60,
  };
}

/** Half of the memory; 256 MB is the least that the server takes. */
function cacheMegabytes({ memory, cache }: MongoDbConfig): number {
  return Math.max(cache ?? Math.floor(memory / 2), 256);
}

/**
 * Connections to one member, from all clients. Each has a thread, and a member that meets its limit of
 * threads ends; past this one it only turns clients away. Measured: 0.13 MB each, beside 60 MB without any.
 * It follows the cache, so that more memory alone still changes a member in place.
 */
function maxConnections(config: MongoDbConfig): number {
  return Math.floor(cacheMegabytes(config) * 1.5);
}

/** Runs beside member 0: only there the first user can be made (localhost exception). */
function planInit(
  id: string,
  { stack }: PlanContext,
  hosts: readonly string[],
  secrets: ReplicaSetSecrets,
  tls: boolean,
): Job {
  return {
    id: `${id}.init`,
    name: physicalName(stack, "job", "mongodb", "init"),
    identity: { stack, component: "job" },
    image: "agent",
    command: ["node", "/app/jobs/mongodb-init.ts"],
    environment: {
      ...commonEnvironment(stack, "job"),
      REDFLEET_MONGODB_HOSTS: hosts.join(","),
      REDFLEET_REPLICA_SET: REPLICA_SET,
      REDFLEET_ADMIN_PASSWORD_FILE: "/run/redfleet/admin-password",
      ...(tls ? { REDFLEET_TLS_CA_FILE: TRUST_FILE } : {}),
    },
    user: JOB_USER,
    ...JOB_LIMITS,
    mounts: tls ? [trustMount(stack)] : undefined,
    files: [{ name: "admin-password", content: secrets.admin }],
    networks: [],
    inNetworkOf: physicalName(stack, "mongodb", 0),
  };
}
