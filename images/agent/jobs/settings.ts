import { readFileSync } from "node:fs";
import { JobError } from "./log.ts";

/** Where the replica set is and how the platform's administrator logs in to it. */
export interface StoreSettings {
  /** `name:port` of every member that the set shall have, member 0 first. */
  hosts: string[];
  /** Name of the replica set. */
  replicaSet: string;
  /** User with the role `root`; it is used by jobs only. */
  adminUser: string;
  adminPassword: string;
  /** PEM file of the authority of the members' certificates; none means no TLS. */
  caFile: string | undefined;
  /** `Date.now()` after which the job gives up. `REDFLEET_TIMEOUT_SECONDS`, 180 by default. */
  deadline: number;
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

/** The settings that every job on the MongoDB replica set shares. */
export function storeSettings(): StoreSettings {
  const hosts = required("REDFLEET_MONGODB_HOSTS")
    .split(",")
    .map((host) => host.trim());
  if (hosts.some((host) => !/^[a-z0-9.-]+:\d+$/i.test(host))) {
    throw new JobError("REDFLEET_MONGODB_HOSTS must be a comma separated list of name:port");
  }
  const seconds = Number(process.env.REDFLEET_TIMEOUT_SECONDS ?? 180);
  return {
    hosts,
    replicaSet: process.env.REDFLEET_REPLICA_SET ?? "rs0",
    adminUser: "redfleet-admin",
    adminPassword: secretFrom("REDFLEET_ADMIN_PASSWORD_FILE"),
    caFile: process.env.REDFLEET_TLS_CA_FILE,
    deadline: Date.now() + seconds * 1000,
  };
}

function readSecret(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new JobError(`${name}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
