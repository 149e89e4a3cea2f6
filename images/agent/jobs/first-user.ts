import { setTimeout as sleep } from "node:timers/promises";
import { JobError, log } from "./log.ts";
import { code, command, directClient, hasCode, setClient, using, waitFor } from "./mongo.ts";
import type { StoreSettings } from "./settings.ts";

/** The only address from which a set without users may be given its first one. */
const LOCAL = "127.0.0.1:27017";

/** Makes the administrator, or checks that it can log in with the given password. */
export async function ensureAdmin(settings: StoreSettings) {
  if (await canLogIn(settings)) return log("admin-verified", { user: settings.adminUser });
  const created = await createByLocalhostException(settings);
  // Somebody else may have made the user a moment ago: only the login tells.
  for (let attempt = 0; attempt < 6; attempt += 1) {
    if (await canLogIn(settings)) {
      return log(created ? "admin-created" : "admin-verified", { user: settings.adminUser });
    }
    await sleep(250);
  }
  throw new JobError(
    `the user ${settings.adminUser} exists with another password, or was removed: ` +
      "restore the stack's admin password, or reset the user on the server",
  );
}

async function canLogIn(settings: StoreSettings): Promise<boolean> {
  return waitFor(settings, "a primary that takes logins", async () => {
    try {
      return await using(setClient(settings), async (client) => {
        await command(client, { connectionStatus: 1 });
        return true;
      });
    } catch (error) {
      return hasCode(error, code.authenticationFailed) ? false : undefined;
    }
  });
}

async function createByLocalhostException(settings: StoreSettings): Promise<boolean> {
  const { adminUser, adminPassword } = settings;
  try {
    await using(directClient(settings, LOCAL), (client) =>
      command(client, {
        createUser: adminUser,
        pwd: adminPassword,
        roles: [{ role: "root", db: "admin" }],
        writeConcern: { w: "majority" },
      }),
    );
    return true;
  } catch (error) {
    log("admin-not-created", { reason: (error as Error).message });
    return false;
  }
}
