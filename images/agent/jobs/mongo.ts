import { setTimeout as sleep } from "node:timers/promises";
import { type Document, MongoClient, type MongoClientOptions, MongoServerError } from "mongodb";
import { JobError } from "./log.ts";
import type { StoreSettings } from "./settings.ts";

/** Server error codes that the jobs tell apart. */
export const code = {
  unauthorized: 13,
  authenticationFailed: 18,
  userNotFound: 11,
  alreadyInitialized: 23,
  configurationIncompatible: 103,
  configurationInProgress: 109,
  configurationNotCommitted: 308,
  userExists: 51003,
} as const;

/** True when the server answered with this error code. */
export function hasCode(error: unknown, ...codes: number[]): boolean {
  return error instanceof MongoServerError && codes.includes(Number(error.code));
}

/** A connection to one member, whatever state it is in, without a login. */
export function directClient(settings: StoreSettings, host: string): MongoClient {
  return new MongoClient(`mongodb://${host}/`, {
    ...tlsOptions(settings),
    directConnection: true,
    connectTimeoutMS: 2000,
    serverSelectionTimeoutMS: 2000,
    // The certificate names the member, not the loopback address that the first user needs.
    ...(settings.caFile ? { tlsAllowInvalidHostnames: true } : {}),
  });
}

/** A connection to the set as the administrator; it finds the primary and follows it. */
export function adminClient(settings: StoreSettings): MongoClient {
  const { hosts, replicaSet, adminUser, adminPassword } = settings;
  return new MongoClient(`mongodb://${hosts.join(",")}/`, {
    ...tlsOptions(settings),
    replicaSet,
    auth: { username: adminUser, password: adminPassword },
    authSource: "admin",
    connectTimeoutMS: 3000,
    serverSelectionTimeoutMS: 10_000,
  });
}

/** Does something with a client and closes it, however that ends. */
export async function using<T>(client: MongoClient, work: (client: MongoClient) => Promise<T>) {
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Answer of one member to `hello`; undefined when it does not answer. */
export async function hello(settings: StoreSettings, host: string): Promise<Document | undefined> {
  return using(directClient(settings, host), (client) => command(client, { hello: 1 })).catch(
    () => undefined,
  );
}

/** Runs a command on the database `admin`. */
export function command(client: MongoClient, request: Document): Promise<Document> {
  return client.db("admin").command(request);
}

/**
 * Asks again every `pauseMs` until the answer is there, and fails with what was waited for when the job's
 * time is over.
 */
export async function waitFor<T>(
  settings: StoreSettings,
  what: string,
  ask: () => Promise<T | undefined>,
  pauseMs = 300,
): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > settings.deadline) throw new JobError(`gave up waiting: ${what}`);
    await sleep(pauseMs);
  }
}

function tlsOptions(settings: StoreSettings): MongoClientOptions {
  return settings.caFile ? { tls: true, tlsCAFile: settings.caFile } : {};
}
