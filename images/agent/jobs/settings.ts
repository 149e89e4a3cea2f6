import { readFileSync } from "node:fs";
import { JobError } from "./log.ts";

/** How a job reaches the set, and how long it tries. */
export interface Connection {
  /** Connection string with the login, and with what it takes to trust the set. */
  uri: string;
  /** `Date.now()` after which the job gives up. `REDFLEET_TIMEOUT_SECONDS`, 180 by default. */
  deadline: number;
}

/** The stack's own replica set and its administrator. */
export interface StoreSettings extends Connection {
  /** `name:port` of every member that the set shall have, member 0 first. */
  hosts: string[];
  /** Name of the replica set. */
  replicaSet: string;
  /** User with the role `root`; it is used by jobs only. */
  adminUser: string;
  adminPassword: string;
  /** PEM file of the authority of the members' certificates; none means no TLS. */
  caFile: string | undefined;
}

/** Value of a variable that must be set. */
export function required(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new JobError(`${name} is not set`);
  return value;
}

/** Content, without white space around it, of the file that the variable names. */
export function secretFrom(name: string): string {
  const path = required(name);
  const secret = readSecret(name, path).trim();
  if (!secret) throw new JobError(`${name}: ${path} is empty`);
  return secret;
}

/** The connection that the stack gives to a job, whosever the set is. */
export function connection(): Connection {
  const uri = secretFrom("REDFLEET_MONGODB_URI_FILE");
  if (!/^mongodb(\+srv)?:\/\//.test(uri)) {
    throw new JobError("REDFLEET_MONGODB_URI_FILE must hold a connection string, mongodb://…");
  }
  return { uri, deadline: deadline() };
}

/** What the job that makes the stack's own set works with. */
export function storeSettings(): StoreSettings {
  const hosts = required("REDFLEET_MONGODB_HOSTS")
    .split(",")
    .map((host) => host.trim());
  if (hosts.some((host) => !/^[a-z0-9.-]+:\d+$/i.test(host))) {
    throw new JobError("REDFLEET_MONGODB_HOSTS must be a comma separated list of name:port");
  }
  const store = {
    hosts,
    replicaSet: process.env.REDFLEET_REPLICA_SET ?? "rs0",
    adminUser: "redfleet-admin",
    adminPassword: secretFrom("REDFLEET_ADMIN_PASSWORD_FILE"),
    caFile: process.env.REDFLEET_TLS_CA_FILE,
  };
  return { ...store, uri: adminUri(store), deadline: deadline() };
}

function adminUri(store: Omit<StoreSettings, keyof Connection>): string {
  const login = `${store.adminUser}:${encodeURIComponent(store.adminPassword)}`;
  const tls = store.caFile ? `&tls=true&tlsCAFile=${encodeURIComponent(store.caFile)}` : "";
  return `mongodb://${login}@${store.hosts.join(",")}/admin?replicaSet=${store.replicaSet}${tls}`;
}

function deadline(): number {
  return Date.now() + Number(process.env.REDFLEET_TIMEOUT_SECONDS ?? 180) * 1000;
}

function readSecret(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new JobError(`${name}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
