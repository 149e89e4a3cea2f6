import bcrypt from "bcryptjs";
import type { Collection, Db } from "mongodb";
import { JobError, log, runJob } from "./log.ts";
import { code, hasCode, withSet } from "./mongo.ts";
import { connection, required, secretFrom } from "./settings.ts";

/** Rounds of bcrypt: about 60 ms a guess on one core. Node-RED's own tool uses 8. */
const ROUNDS = 10;

/** A Node-RED user as the runtime reads it. */
interface FirstUser {
  /** User name. */
  _id: string;
  passwordHash: string;
  role: "admin" | "write" | "read";
  /** Hash of the password that the stack gave last: what a person changed since is not undone by a repeated job. */
  provisionedHash: string;
  /** Logins before this moment (ms since 1970) are over. */
  loginsFrom: number;
}

/**
 * Makes or updates the database's own user (authentication database: itself) and the first Node-RED user. Without
 * a password for the former there is one already, and the connection string is its own.
 */
async function main() {
  const database = required("REDFLEET_DATABASE");
  const user = required("REDFLEET_DATABASE_USER");
  const makesUser = process.env.REDFLEET_DATABASE_PASSWORD_FILE !== undefined;
  const password = makesUser ? secretFrom("REDFLEET_DATABASE_PASSWORD_FILE") : undefined;
  if (/^(admin|config|local)$/.test(database)) {
    throw new JobError(`REDFLEET_DATABASE is ${database}, which belongs to MongoDB itself`);
  }
  await withSet(connection(), async (client) => {
    const db = client.db(database);
    if (password !== undefined) await ensureDatabaseUser(db, user, password);
    await ensureFirstUser(db.collection<FirstUser>("users"));
    log("ready", { database, user });
  });
}

async function ensureDatabaseUser(db: Db, user: string, password: string) {
  const grant = { pwd: password, roles: [{ role: "readWrite", db: db.databaseName }] };
  const writeConcern = { w: "majority" };
  try {
    await db.command({ createUser: user, ...grant, writeConcern });
    log("database-user-created", { database: db.databaseName, user });
  } catch (error) {
    if (!hasCode(error, code.userExists)) throw error;
    await db.command({ updateUser: user, ...grant, writeConcern });
    log("database-user-updated", { database: db.databaseName, user });
  }
}

async function ensureFirstUser(users: Collection<FirstUser>) {
  const name = required("REDFLEET_FIRST_USER");
  const password = secretFrom("REDFLEET_FIRST_PASSWORD_FILE");
  const present = await users.findOne({ _id: name });
  if (present?.provisionedHash && (await bcrypt.compare(password, present.provisionedHash))) {
    return log("first-user-unchanged", { user: name });
  }
  // The stack has another password after `down`, too: that takes no person's own away.
  if (present && present.passwordHash !== present.provisionedHash) {
    return log("first-user-kept", { user: name, reason: "a person has set its password" });
  }
  const hash = await bcrypt.hash(password, ROUNDS);
  const hashes = { passwordHash: hash, provisionedHash: hash };
  const user = { ...hashes, role: "admin" as const, loginsFrom: Date.now() };
  await users.updateOne(
    { _id: name },
    { $set: user },
    { upsert: true, writeConcern: { w: "majority" } },
  );
  log(present ? "first-user-updated" : "first-user-created", { user: name });
}

await runJob(main);
