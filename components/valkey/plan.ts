import { physicalName } from "../../config/names.ts";
import { memberAddress } from "../../config/network.ts";
import { majorityOf } from "../../config/rules/stores.ts";
import type { ValkeyConfig } from "../../config/sections/valkey.ts";
import type { ValkeySettings } from "../../images/node-red/runtime/environment.ts";
import type { Member } from "../chain.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import { healthCheck, IMAGE_HEALTH } from "../health.ts";
import type { FileContent, Job } from "../target/types.ts";
import { memberTls, TRUST_FILE, trustMount } from "../tls.ts";

const USER = { uid: 999, gid: 999 };

/** Name under which Sentinels know the primary. */
export const MASTER_NAME = "redfleet";

type Kind = "valkey" | "sentinel";
type Settings = ValkeyConfig & { readonly dev: boolean };

/** Primary and replicas; which is which is Sentinel's business after the first start. */
export function planServers(
  id: string,
  context: PlanContext,
  config: Settings,
  users: FileContent,
): Member[] {
  return ordinals(config.replicas + 1).map((member) =>
    planMember(id, context, config, users, "valkey", member),
  );
}

/** The Sentinels. Their configuration is state: who is primary now, so it lives on a volume. */
export function planSentinels(
  id: string,
  context: PlanContext,
  config: Settings,
  users: FileContent,
): Member[] {
  return ordinals(config.sentinels).map((member) =>
    planMember(id, context, config, users, "sentinel", member),
  );
}

function planMember(
  id: string,
  context: PlanContext,
  config: Settings,
  users: FileContent,
  kind: Kind,
  member: number,
): Member {
  const { stack, subnet, networks } = context;
  const name = physicalName(stack, kind, member);
  const identity = { stack, component: kind, member };
  const tls = config.tls ? memberTls(stack, "valkey", name) : undefined;
  const neverGoes = member < (config.dev ? 1 : kind === "valkey" ? 2 : 3);
  return {
    data: {
      id: `${id}-${member}.data`,
      name: `${name}-data`,
      identity,
      durability: neverGoes ? "protected" : "retained",
    },
    workload: {
      id: `${id}-${member}`,
      name,
      identity,
      image: "valkey",
      command: [kind === "valkey" ? "/redfleet/valkey" : "/redfleet/sentinel"],
      environment: { ...environment(context, config, kind, member), ...tls?.environment },
      user: USER,
      memory: kind === "valkey" ? config.memory : config.sentinelMemory,
      pids: 64,
      mounts: [{ volume: `${name}-data`, path: "/data" }, ...(tls?.mounts ?? [])],
      files: [{ name: "users.json", content: users }],
      networks: [{ network: networks.data, address: memberAddress(subnet, kind, member) }],
      health: healthCheck(IMAGE_HEALTH),
      waitSeconds: 120,
      graceSeconds: 30,
    },
  };
}

/** What a cluster needs to get a user of its own, and to reach the store with it. */
export interface ValkeyAccess {
  /** `{admin, …: password}` as JSON. */
  readonly users: FileContent;
  readonly servers: readonly string[];
  readonly sentinels: readonly string[];
  /** Its members show certificates, and take no connection in clear. */
  readonly tls: boolean;
}

/** Where servers and Sentinels are. */
export function valkeyAddresses({ subnet }: PlanContext, config: ValkeyConfig) {
  const addresses = (kind: Kind, count: number) =>
    ordinals(count).map((member) => memberAddress(subnet, kind, member));
  return {
    servers: addresses("valkey", config.replicas + 1),
    sentinels: addresses("sentinel", config.sentinels),
  };
}

/** `cluster-main`: name of a cluster's user; its keys and channels start with `nr:cluster-main:`. */
export function valkeyUser(identity: string): string {
  return `cluster-${identity}`;
}

/** Gives a cluster its user on all members. Runs again when a member comes or a password changes. */
export function planUser(
  id: string,
  { stack, networks }: PlanContext,
  access: ValkeyAccess,
  identity: string,
  password: FileContent,
): Job {
  return {
    id: `${id}.valkey-user`,
    name: physicalName(stack, "job", "valkey", identity),
    identity: { stack, component: "job", key: identity },
    image: "valkey",
    command: ["/redfleet/user"],
    environment: {
      ...commonEnvironment(stack, "job", identity),
      REDFLEET_USERS_FILE: "/run/redfleet/users.json",
      REDFLEET_SERVERS: access.servers.join(","),
      REDFLEET_SENTINELS: access.sentinels.join(","),
      REDFLEET_STORE_USER: valkeyUser(identity),
      REDFLEET_STORE_PASSWORD_FILE: "/run/redfleet/store-password",
      ...(access.tls && { REDFLEET_TLS_CA_FILE: TRUST_FILE }),
    },
    files: [
      { name: "users.json", content: access.users },
      { name: "store-password", content: password },
    ],
    user: USER,
    ...{ memory: 64, pids: 64, timeoutSeconds: 300 },
    mounts: access.tls ? [trustMount(stack)] : [],
    networks: [{ network: networks.data }],
  };
}

/** How a cluster's runtimes reach the store: the content of their `REDFLEET_VALKEY_FILE`. */
export function valkeySettings(
  access: ValkeyAccess,
  identity: string,
  password: string,
): ValkeySettings {
  const username = valkeyUser(identity);
  const prefix = `nr:${username}:`;
  const tls = access.tls ? { tls: { caFile: TRUST_FILE } } : {};
  const login = { username, password, prefix, ...tls };
  const [first = ""] = access.servers;
  if (access.sentinels.length === 0) return { server: { host: first, port: 6379 }, ...login };
  return {
    sentinels: access.sentinels.map((host) => ({ host, port: 26379 })),
    masterName: MASTER_NAME,
    ...{ sentinelUsername: username, sentinelPassword: password },
    ...login,
  };
}

/** Addresses, not names: the name of a stopped container leaves DNS, and Sentinels then never fail over. */
function environment(
  context: PlanContext,
  config: Settings,
  kind: Kind,
  member: number,
): Record<string, string> {
  const { stack, subnet } = context;
  const { servers, sentinels } = valkeyAddresses(context, config);
  return {
    ...commonEnvironment(stack, kind, undefined, member),
    REDFLEET_MEMBER_ADDRESS: memberAddress(subnet, kind, member),
    REDFLEET_PRIMARY_ADDRESS: memberAddress(subnet, "valkey", 0),
    REDFLEET_MASTER_NAME: MASTER_NAME,
    REDFLEET_QUORUM: String(config.quorum ?? majorityOf(config.sentinels)),
    REDFLEET_DOWN_AFTER_MS: String(config.downAfterMs),
    REDFLEET_FAILOVER_TIMEOUT_MS: String(config.failoverTimeoutMs),
    REDFLEET_MIN_REPLICAS_TO_WRITE: String(Math.min(config.minReplicasToWrite, config.replicas)),
    // The rest is for copies while it saves, buffers of clients and fragmentation.
    REDFLEET_MAX_MEMORY_MB: String(Math.floor(config.memory * 0.6)),
    REDFLEET_USERS_FILE: "/run/redfleet/users.json",
    REDFLEET_PEERS: [...servers, ...sentinels].join(","),
  };
}

function ordinals(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
