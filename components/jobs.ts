import type * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../config/names.ts";
import { commonEnvironment, type PlanContext } from "./context.ts";
import type { DatabaseAccess } from "./mongodb/access.ts";
import type { FileContent, Job, Mount } from "./target/types.ts";
import { trustMount } from "./tls.ts";

/** Jobs run without root and without the engine. */
export const JOB_USER = { uid: 1000, gid: 1000 };

export const JOB_LIMITS = { memory: 160, pids: 64, timeoutSeconds: 300 };

/** A database of a cluster or tenant: its user has the same name and rights on nothing else. */
export interface DatabasePlan {
  readonly kind: "cluster" | "tenant";
  readonly identity: string;
  readonly userPassword: pulumi.Input<string>;
  /** Password of the first Node-RED user, `admin`. */
  readonly firstPassword: FileContent;
}

/** `tenant-acme`: database and database user of a tenant or cluster. */
export function databaseName(kind: "cluster" | "tenant", identity: string): string {
  return `${kind}-${identity}`;
}

/**
 * Creates or updates the database's user and the first Node-RED user in it. Where the database's own connection
 * string is given there is a user already, and that one makes the other.
 */
export function planProvision(
  id: string,
  context: PlanContext,
  access: DatabaseAccess,
  plan: DatabasePlan,
): Job {
  const database = databaseName(plan.kind, plan.identity);
  const given = access.given.has(database);
  const uri = given ? access.uriOf(database, plan.userPassword) : adminUri(access);
  const job = databaseJob(
    context,
    access,
    plan.kind,
    plan.identity,
    "/app/jobs/provision-database.ts",
    {
      ...(given ? {} : { REDFLEET_DATABASE_PASSWORD_FILE: "/run/redfleet/database-password" }),
      REDFLEET_FIRST_USER: "admin",
      REDFLEET_FIRST_PASSWORD_FILE: "/run/redfleet/first-password",
    },
  );
  return {
    ...job,
    id: `${id}.job`,
    name: physicalName(context.stack, "job", plan.kind, plan.identity),
    files: [
      ...access.files,
      { name: "mongodb-uri", content: uri },
      ...(given ? [] : [{ name: "database-password", content: plan.userPassword }]),
      { name: "first-password", content: plan.firstPassword },
    ],
  };
}

/** What is left of a tenant or cluster, and whose place the job takes that erases it. */
export interface ErasePlan {
  readonly kind: "cluster" | "tenant";
  readonly identity: string;
  /** Logical and physical name of the container that wrote to the folders. */
  readonly id: string;
  readonly name: string;
  /** The folders to empty. */
  readonly folders: readonly Mount[];
}

/**
 * Drops the database and its user and empties the volumes. It takes the place of the container that wrote to
 * them, name and all: the engine has to stop the one to make the other, so nothing writes while it erases.
 */
export function planErase(context: PlanContext, access: DatabaseAccess, plan: ErasePlan): Job {
  const { kind, identity, id, name, folders } = plan;
  const more = { REDFLEET_FOLDERS: folders.map(({ path }) => path).join(",") };
  return {
    ...databaseJob(context, access, kind, identity, "/app/jobs/erase.ts", more),
    id,
    name,
    files: [...access.files, { name: "mongodb-uri", content: adminUri(access) }],
    mounts: [...folders, ...trust(context, access)],
  };
}

/** What lets a client of these stores trust them. */
export function trust(
  { stack }: PlanContext,
  ...stores: readonly { readonly tls: boolean }[]
): Mount[] {
  return stores.some(({ tls }) => tls) ? [trustMount(stack)] : [];
}

/** Rules of the configuration see to it that there is one where it is needed. */
function adminUri({ adminUri: uri }: DatabaseAccess): pulumi.Output<string> {
  if (uri === undefined) throw new Error("no connection string of an administrator");
  return uri;
}

function databaseJob(
  context: PlanContext,
  access: DatabaseAccess,
  kind: "cluster" | "tenant",
  identity: string,
  script: string,
  more: Readonly<Record<string, string>>,
): Omit<Job, "id" | "name"> {
  const { stack } = context;
  return {
    identity: { stack, component: "job", key: identity },
    image: "agent",
    command: ["node", script],
    environment: {
      ...commonEnvironment(stack, "job", identity),
      REDFLEET_MONGODB_URI_FILE: "/run/redfleet/mongodb-uri",
      REDFLEET_DATABASE: databaseName(kind, identity),
      REDFLEET_DATABASE_USER: databaseName(kind, identity),
      ...more,
    },
    user: JOB_USER,
    ...JOB_LIMITS,
    mounts: trust(context, access),
    networks: [{ network: access.network }],
    hosts: access.hosts,
  };
}
