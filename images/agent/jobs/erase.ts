import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { JobError, log, runJob } from "./log.ts";
import { code, hasCode, withSet } from "./mongo.ts";
import { connection, required } from "./settings.ts";

/** Erases what a tenant or cluster owns: its database user, its database, and all that lies in its folders. */
async function main() {
  const database = required("REDFLEET_DATABASE");
  const user = required("REDFLEET_DATABASE_USER");
  const folders = required("REDFLEET_FOLDERS").split(",");
  if (!/^(cluster|tenant)-[a-z0-9-]+$/.test(database)) {
    throw new JobError(
      `REDFLEET_DATABASE is ${database}; only a tenant's or cluster's database may be erased`,
    );
  }
  await eraseDatabase(database, user);
  for (const folder of folders) await eraseFiles(folder);
  log("erased", { database });
}

/** The user goes first, so that nothing writes the database anew. */
async function eraseDatabase(database: string, user: string) {
  await withSet(connection(), async (client) => {
    const db = client.db(database);
    const writeConcern = { w: "majority" as const };
    try {
      await db.command({ dropUser: user, writeConcern });
      log("database-user-dropped", { database, user });
    } catch (error) {
      if (!hasCode(error, code.userNotFound)) throw error;
    }
    await db.dropDatabase({ writeConcern });
    log("database-dropped", { database });
  });
}

async function eraseFiles(folder: string) {
  const names = await readdir(folder);
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  log("files-erased", { folder, entries: names.length });
}

await runJob(main);
