/**
 * Job of a cluster whose users live in its flow store: makes the first user, or gives it the password
 * that the stack has now. A password that a person has set is left alone: after `down` the stack has another one,
 * too.
 */
import { readFileSync } from "node:fs";
import { EnvironmentError, parseEnvironment } from "./environment.ts";
import { comparePassword, hashPassword } from "./internals.ts";
import { createLogger, type Logger, reasonOf } from "./log.ts";
import { openStore } from "./store/open.ts";
import type { FlowStore } from "./store/types.ts";

const WAIT_MS = 180_000;

async function ensure(store: FlowStore, username: string, password: string, log: Logger) {
  const present = await store.findUser(username);
  const given = present?.provisionedHash;
  if (given !== undefined && (await comparePassword(password, given))) {
    return log.info("the first user is unchanged", { username });
  }
  if (present && present.passwordHash !== given) {
    return log.info("the first user keeps the password that a person has set", { username });
  }
  const hash = await hashPassword(password);
  const hashes = { passwordHash: hash, provisionedHash: hash };
  await store.writeUser({ username, ...hashes, role: "admin", loginsFrom: Date.now() });
  log.info(present ? "the first user was updated" : "the first user was made", { username });
}

/** Exit code of the job. */
async function main(): Promise<number> {
  const log = createLogger("info", { component: "job" });
  try {
    const store = openStore(parseEnvironment(process.env), "first-user", log);
    await store.connect(AbortSignal.timeout(WAIT_MS));
    const { REDFLEET_FIRST_USER: name = "admin", REDFLEET_FIRST_PASSWORD_FILE: file = "" } =
      process.env;
    await ensure(store, name, readFileSync(file, "utf8").trim(), log);
    await store.close();
    return 0;
  } catch (error) {
    const problems = error instanceof EnvironmentError ? { problems: error.problems } : {};
    log.error("the first user was not made", { reason: reasonOf(error), ...problems });
    return 1;
  }
}

process.exit(await main());
