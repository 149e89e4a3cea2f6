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
  context: PlanContext,
  members: ValkeyMembers,
  identity: string,
  password: FileContent,
): Job {
  const job = userJob(id, context, members, identity, "/redfleet/user");
  const store = { name: "store-password", content: password };
  return {
    ...job,
    environment: {
      ...job.environment,
      REDFLEET_STORE_PASSWORD_FILE: `/run/redfleet/${store.name}`,
    },
    files: [...job.files, store],
  };
}

/** Takes a cluster's user away from all members, and all of its keys. In the place of {@link planUser}. */
export function planEraseUser(
  id: string,
  context: PlanContext,
  members: ValkeyMembers,
  identity: string,
): Job {
  return userJob(id, context, members, identity, "/redfleet/erase-user");
}

function userJob(
  id: string,
  { stack, networks }: PlanContext,
  members: ValkeyMembers,
  identity: string,
  command: string,
) {
  return {
    id: `${id}.valkey-user`,
    name: physicalName(stack, "job", "valkey", identity),
    identity: { stack, component: "job", key: identity },
    image: "valkey",
    command: [command],
    environment: {
      ...commonEnvironment(stack, "job", identity),
      REDFLEET_USERS_FILE: "/run/redfleet/users.json",
      REDFLEET_SERVERS: members.servers.join(","),
      REDFLEET_SENTINELS: members.sentinels.join(","),
      REDFLEET_STORE_USER: valkeyUser(identity),
      ...(members.tls && { REDFLEET_TLS_CA_FILE: TRUST_FILE }),
    },
    files: [{ name: "users.json", content: members.users }],
    user: USER,
    ...{ memory: 64, pids: 64, timeoutSeconds: 300 },
    mounts: members.tls ? [trustMount(stack)] : [],
    networks: [{ network: networks.data }],
  } satisfies Job;
}
