import { physicalName } from "../../config/names.ts";
import { memberAddress } from "../../config/network.ts";
import { majorityOf } from "../../config/rules/stores.ts";
import type { ValkeyConfig } from "../../config/sections/valkey.ts";
import type { Member } from "../chain.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import { healthCheck, IMAGE_HEALTH } from "../health.ts";
import type { FileContent } from "../target/types.ts";
import { memberTls } from "../tls.ts";

export const USER = { uid: 999, gid: 999 };

/** Name under which Sentinels know the primary. */
export const MASTER_NAME = "redfleet";

/** A primary that hands over asks seven Sentinels at once by 45 processes; server, health check and others need 20. */
const PIDS = 128;

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
      pids: PIDS,
      mounts: [{ volume: `${name}-data`, path: "/data" }, ...(tls?.mounts ?? [])],
      files: [{ name: "users.json", content: users }],
      networks: [{ network: networks.data, address: memberAddress(subnet, kind, member) }],
      health: healthCheck(IMAGE_HEALTH),
      waitSeconds: 120,
      graceSeconds: 30,
    },
  };
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
    REDFLEET_QUORUM: String(config.quorum ?? (config.sentinels && majorityOf(config.sentinels))),
    REDFLEET_DOWN_AFTER_MS: String(config.downAfterMs),
    REDFLEET_FAILOVER_TIMEOUT_MS: String(config.failoverTimeoutMs),
    REDFLEET_MIN_REPLICAS_TO_WRITE: String(Math.min(config.minReplicasToWrite, config.replicas)),
    // The rest is for copies while it saves, buffers of clients and fragmentation.
    REDFLEET_MAX_MEMORY_MB: String(Math.floor(config.memory * 0.6)),
    REDFLEET_USERS_FILE: "/run/redfleet/users.json",
    REDFLEET_SERVERS: servers.join(","),
    REDFLEET_SENTINELS: sentinels.join(","),
  };
}

function ordinals(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
