import { setTimeout as sleep } from "node:timers/promises";
import {
  type Document,
  MongoClient,
  type MongoClientOptions,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from "mongodb";
import { JobError, log } from "./log.ts";
import type { Connection, StoreSettings } from "./settings.ts";

/** Server error codes that the jobs tell apart. */
export const code = {
  unauthorized: 13,
  authenticationFailed: 18,
  userNotFound: 11,
  alreadyInitialized: 23,
  configurationIncompatible: 103,
  configurationInProgress: 109,
  configurationNotCommitted: 308,
  roleExists: 51002,
  userExists: 51003,
} as const;

/** Not (or no longer) primary, and membership changes that met another one. */
const PASSING = [
  ...[10107, 13435, 13436, 11602, 189, 91, 11600],
  code.configurationIncompatible,
  code.configurationInProgress,
  code.configurationNotCommitted,
];

/** True when the server answered with this error code. */
export function hasCode(error: unknown, ...codes: number[]): boolean {
  return error instanceof MongoServerError && codes.includes(Number(error.code));
}

/** True for what passes by itself: an election, somebody else's change, a connection that broke. */
export function isTransient(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  return hasCode(error, ...PASSING);
}

/** A connection to one member, whatever state it is in, without a login. */
export function directClient(settings: StoreSettings, host: string): MongoClient {
  return new MongoClient(`mongodb://${host}/`, {
    ...tlsOptions(settings),
    directConnection: true,
    connectTimeoutMS: 5000,
    serverSelectionTimeoutMS: 5000,
  });
}

/** A connection to the set; it finds the primary and follows it. */
export function setClient({ uri }: Connection): MongoClient {
  return new MongoClient(uri, { connectTimeoutMS: 5000, serverSelectionTimeoutMS: 10_000 });
}

/** Does something with a client and closes it, however that ends. */
export async function using<T>(client: MongoClient, work: (client: MongoClient) => Promise<T>) {
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/**
 * Does something with the set, and again from its start when an election or a lost connection came in
 * between, until the job's time is over. So `work` must be repeatable.
 */
export async function withSet(
  settings: Connection,
  work: (client: MongoClient) => Promise<void>,
): Promise<void> {
  let reason = "";
  await waitFor(
    settings,
    () => `the replica set to answer: ${reason}`,
    async () => {
      try {
        await using(setClient(settings), work);
        return true;
      } catch (error) {
        if (!isTransient(error)) throw explained(error);
        reason = (error as Error).message;
        log("retry", { reason });
        return undefined;
      }
    },
  );
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
  settings: Connection,
  what: string | (() => string),
  ask: () => Promise<T | undefined>,
  pauseMs = 300,
): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > settings.deadline) {
      throw new JobError(`gave up waiting for ${typeof what === "string" ? what : what()}`);
    }
    await sleep(pauseMs);
  }
}

function explained(error: unknown): unknown {
  if (hasCode(error, code.authenticationFailed)) {
    return new JobError(
      "the replica set refuses the login of the connection string: " +
        "of the stack's own set, run its job first; of another, correct the secret",
    );
  }
  if (!hasCode(error, code.unauthorized)) return error;
  return new JobError(
    `the user of the connection string may not do this: ${(error as Error).message}; ` +
      "grant it userAdminAnyDatabase, readWriteAnyDatabase and dbAdminAnyDatabase, " +
      "or give every database's own connection string (mongodb.external.databases)",
  );
}

function tlsOptions(settings: StoreSettings): MongoClientOptions {
  return settings.caFile ? { tls: true, tlsCAFile: settings.caFile } : {};
}
