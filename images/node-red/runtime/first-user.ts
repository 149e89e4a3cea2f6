/**
 * Job of a cluster whose users live in its flow store: makes the first user, or gives it the password
 * that the stack has now. A password that a person has set is left alone: after `down` the stack has another one,
 * too.
 */
import { readFileSync } from "node:fs";
import { readEnvironment } from "./environment-exit.ts";
import { comparePassword, hashPassword } from "./internals.ts";
import { createLogger, type Logger, reasonOf } from "./log.ts";
import { persist } from "./retry.ts";
import { openStore } from "./store/open.ts";
import type { FlowStore, StoredUser } from "./store/types.ts";
import { isPassing } from "./valkey/connection.ts";

/** Less than the time that the deployment gives the job. */
const WAIT_MS = 180_000;

/** What to write, and what to say then; undefined when the user stays as it is, which is told. */
async function plan(store: FlowStore, username: string, password: string, log: Logger) {
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
  const user: StoredUser = { username, ...hashes, role: "admin", loginsFrom: Date.now() };
  return { user, done: present ? "the first user was updated" : "the first user was made" };
}

/** A failover takes longer than one write waits for: both are tried until the job's time is over. */
async function ensure(store: FlowStore, username: string, password: string, log: Logger) {
  const signal = AbortSignal.timeout(WAIT_MS);
  await store.connect(signal);
  const lasting = <T>(what: string, work: () => Promise<T>) =>
    persist(what, work, log, signal, isPassing);
  const change = await lasting("the first user was not read", () =>
    plan(store, username, password, log),
  );
  if (!change) return;
  const { user, done } = change;
  // Not planned anew: a write that nobody has confirmed would be found, and left at that.
  await lasting("the first user is not confirmed yet", () => store.writeUser(user));
  log.info(done, { username });
}

/** Exit code of the job. */
async function main(): Promise<number> {
  const log = createLogger("info", { component: "job" });
  try {
    const store = openStore(readEnvironment("job"), "first-user", log);
    const { REDFLEET_FIRST_USER: name = "admin", REDFLEET_FIRST_PASSWORD_FILE: file = "" } =
      process.env;
    await ensure(store, name, readFileSync(file, "utf8").trim(), log);
    await store.close();
    return 0;
  } catch (error) {
    log.error("the first user was not made", { reason: reasonOf(error) });
    return 1;
  }
}

process.exit(await main());
