import type { Document, MongoClient } from "mongodb";
import { ensureAdmin } from "./first-user.ts";
import { JobError, log, runJob } from "./log.ts";
import { code, command, directClient, hasCode, hello, using, waitFor, withSet } from "./mongo.ts";
import { firstConfig, reconcileMembers, states } from "./replica-set.ts";
import { type StoreSettings, storeSettings } from "./settings.ts";

/**
 * Brings the replica set to the wanted members and the administrator into being. Every step looks at what is
 * there first, so the job may run again, run beside itself, or be killed anywhere.
 *
 * It shares the network of member 0: only from there may a set be initiated and its first user be made.
 */
async function main() {
  const settings = storeSettings();
  await ensureInitiated(settings);
  await ensureAdmin(settings);
  await withSet(settings, async (client) => {
    await ensureMajorityDefaults(client);
    if (settings.caFile) await ensureRenewal(client);
    await reconcileMembers(client, settings);
    log("ready", { replicaSet: settings.replicaSet, members: await states(client) });
  });
}

async function ensureInitiated(settings: StoreSettings) {
  const [first = ""] = settings.hosts;
  const answers = await waitFor(settings, whatIsMissing(settings), () => survey(settings));
  const other = answers.find((answer) => answer.setName && answer.setName !== settings.replicaSet);
  if (other) throw new JobError(`a member belongs to another replica set, ${other.setName}`);
  if (answers.some((answer) => answer.setName)) return log("already-initiated");
  try {
    const config = firstConfig(settings.replicaSet, first);
    await using(directClient(settings, "127.0.0.1:27017"), (client) =>
      command(client, { replSetInitiate: config }),
    );
    log("initiated", { replicaSet: settings.replicaSet, host: first });
  } catch (error) {
    if (!hasCode(error, code.alreadyInitialized)) throw error;
    log("already-initiated");
  }
}

/**
 * What every member says of itself. A set must never be made twice: unless one member is known to belong to it,
 * all have to answer, because the one that keeps silent may hold the data.
 */
async function survey(settings: StoreSettings): Promise<Document[] | undefined> {
  const answers = await Promise.all(settings.hosts.map((host) => hello(settings, host)));
  const present = answers.filter((answer) => answer !== undefined);
  const known = present.some((answer) => answer.setName);
  return known || present.length === settings.hosts.length ? present : undefined;
}

/** Writes and reads count as done, unless a client says otherwise, when most members have them. */
async function ensureMajorityDefaults(client: MongoClient) {
  const now = await command(client, { getDefaultRWConcern: 1 });
  if (now.defaultWriteConcern?.w === "majority" && now.defaultReadConcern?.level === "majority") {
    return;
  }
  await command(client, {
    setDefaultRWConcern: 1,
    defaultWriteConcern: { w: "majority", wtimeout: 0 },
    defaultReadConcern: { level: "majority" },
    writeConcern: { w: "majority" },
  });
  log("majority-defaults-set");
}

/**
 * The user as which a member asks itself to read its renewed certificate: it logs in by that certificate, whose
 * common name all members share, and may do nothing else.
 */
async function ensureRenewal(client: MongoClient) {
  const role = "redfleet-renewal";
  const user = "CN=redfleet-mongodb";
  const writeConcern = { w: "majority" };
  const privileges = [{ resource: { cluster: true }, actions: ["rotateCertificates"] }];
  await unless(code.roleExists, () =>
    command(client, { createRole: role, privileges, roles: [], writeConcern }),
  );
  await unless(code.userExists, async () => {
    const roles = [{ role, db: "admin" }];
    await client.db("$external").command({ createUser: user, roles, writeConcern });
    log("renewal-user-created", { user });
  });
}

/** Does something, and takes it for done when the server says that it is. */
async function unless(done: number, work: () => Promise<unknown>) {
  try {
    await work();
  } catch (error) {
    if (!hasCode(error, done)) throw error;
  }
}

function whatIsMissing(settings: StoreSettings): string {
  return `an answer from every one of ${settings.hosts.join(", ")}`;
}

await runJob(main);
