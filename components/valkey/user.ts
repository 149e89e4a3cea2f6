import { physicalName } from "../../config/names.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import type { FileContent, Job } from "../target/types.ts";
import { TRUST_FILE, trustMount } from "../tls.ts";
import { USER } from "./plan.ts";

/** Where a user has to be made: on every member, because servers do not pass users on. */
export interface ValkeyMembers {
  /** `{admin, …: password}` as JSON. */
  readonly users: FileContent;
  readonly servers: readonly string[];
  readonly sentinels: readonly string[];
  /** They show certificates, and take no connection in clear. */
  readonly tls: boolean;
}

/** `cluster-main`: name of a cluster's user; its keys and channels start with `nr:cluster-main:`. */
export function valkeyUser(identity: string): string {
  return `cluster-${identity}`;
}

/** Gives a cluster its user on all members. Runs again when a member comes or a password changes. */
export function planUser(
  id: string,
  { stack, networks }: PlanContext,
  members: ValkeyMembers,
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
      REDFLEET_SERVERS: members.servers.join(","),
      REDFLEET_SENTINELS: members.sentinels.join(","),
      REDFLEET_STORE_USER: valkeyUser(identity),
      REDFLEET_STORE_PASSWORD_FILE: "/run/redfleet/store-password",
      ...(members.tls && { REDFLEET_TLS_CA_FILE: TRUST_FILE }),
    },
    files: [
      { name: "users.json", content: members.users },
      { name: "store-password", content: password },
    ],
    user: USER,
    ...{ memory: 64, pids: 64, timeoutSeconds: 300 },
    mounts: members.tls ? [trustMount(stack)] : [],
    networks: [{ network: networks.data }],
  };
}
