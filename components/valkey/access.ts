import * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../../config/canonical.ts";
import { own } from "../../config/own.ts";
import type { ExternalValkey, ValkeyConfig } from "../../config/sections/valkey.ts";
import type { PlanContext } from "../context.ts";
import type { FileContent, Job } from "../target/types.ts";
import { TRUST_FILE } from "../tls.ts";
import { MASTER_NAME, valkeyAddresses } from "./plan.ts";
import { type Connection, valkeyConnection } from "./url.ts";
import { planEraseUser, planUser, type ValkeyMembers, valkeyUser } from "./user.ts";

/** A cluster as Valkey knows it. */
export interface ValkeyClient {
  readonly key: string;
  /** What its objects are called. */
  readonly identity: string;
}

/** How clusters reach shared context and locks, whosever they are. */
export interface ValkeyAccess {
  /** The job that gives a cluster its user; undefined where users are somebody else's business. */
  readonly planUser: ((id: string, identity: string, password: FileContent) => Job) | undefined;
  /** The job that takes a cluster's user and keys away; undefined where they are somebody else's business. */
  readonly planEraseUser: ((id: string, identity: string) => Job) | undefined;
  /** Content of a cluster's `REDFLEET_VALKEY_FILE`; the password is that of the user that it was given. */
  readonly fileOf: (
    client: ValkeyClient,
    password: pulumi.Output<string> | undefined,
  ) => pulumi.Output<string>;
  /** Replicas that must have a save of flows before it counts. */
  readonly waitReplicas: number;
  /** Its members show certificates of the stack's own authority. */
  readonly tls: boolean;
  /** The network in which jobs reach it. */
  readonly network: string;
}

/** Access to the stack's own servers. `users` is `{admin, …: password}` as JSON. */
export function ownAccess(
  context: PlanContext,
  config: ValkeyConfig,
  users: FileContent,
): ValkeyAccess {
  const members = { ...valkeyAddresses(context, config), users, tls: config.tls };
  return {
    planUser: (id, identity, password) => planUser(id, context, members, identity, password),
    planEraseUser: (id, identity) => planEraseUser(id, context, members, identity),
    fileOf: ({ identity }, password) =>
      pulumi
        .output(password)
        .apply((secret = "") => file(identity, login(members, valkeyUser(identity), secret))),
    // One copy more than the primary's, where there can be one.
    waitReplicas: Math.min(1, config.replicas),
    tls: config.tls,
    network: context.networks.data,
  };
}

/** Access to servers of somebody else; their connection strings are secrets of the stack. */
export function externalAccess(
  { networks }: PlanContext,
  { urlSecret, clusters, caSecret, waitReplicas }: ExternalValkey,
  secret: (name: string) => pulumi.Output<string>,
): ValkeyAccess {
  return {
    planUser: undefined,
    planEraseUser: undefined,
    fileOf: ({ key, identity }) => {
      const name = own(clusters, key) ?? urlSecret;
      if (name === undefined) throw new Error(`no connection string for the cluster ${key}`);
      const authority = caSecret === undefined ? undefined : secret(caSecret);
      return pulumi
        .all([secret(name), authority])
        .apply(([url, ca]) => file(identity, valkeyConnection(url, ca)));
    },
    waitReplicas,
    tls: false,
    // The data network has no way out.
    network: networks.edge,
  };
}

function file(identity: string, connection: Connection): string {
  return canonicalJson({ ...connection, prefix: `nr:${valkeyUser(identity)}:` });
}

function login(
  { servers, sentinels, tls }: ValkeyMembers,
  username: string,
  password: string,
): Connection {
  const [first = ""] = servers;
  const user = { username, password, ...(tls && { tls: { caFile: TRUST_FILE } }) };
  if (sentinels.length === 0) return { server: { host: first, port: 6379 }, ...user };
  return {
    sentinels: sentinels.map((host) => ({ host, port: 26379 })),
    masterName: MASTER_NAME,
    ...{ sentinelUsername: username, sentinelPassword: password },
    ...user,
  };
}
