import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { localDirectory, stackFileOf } from "../../../cli/context.ts";
import { LOCAL, lockFile } from "../../../cli/pulumi/places.ts";
import { acquire } from "../../../cli/setup/lock.ts";
import { testName } from "../../support/names.ts";
import { ROOT, type Running, start } from "../../support/process.ts";
import { until } from "../../support/wait.ts";

const STACK = testName("at-once");
const LOCK = lockFile(STACK, "run");
const MAIN = join(ROOT, "cli/main.ts");
/** Nobody listens there. */
const env = { DOCKER_HOST: "unix:///var/tmp/redfleet-nobody.sock", NO_COLOR: "1" };

const redfleet = (command: string) =>
  start(process.execPath, [MAIN, command, "--stack", STACK], { env, seconds: 60 });

afterAll(() => {
  rmSync(LOCK, { force: true });
  rmSync(stackFileOf(STACK), { force: true });
  rmSync(localDirectory(STACK), { recursive: true, force: true });
});

test("a down or another up waits for an up that is still in its set-up, and says so", async () => {
  const platform = "{ domain: at-once.localhost, dev: true, target: { kind: docker } }";
  writeFileSync(stackFileOf(STACK), `config:\n  redfleet:platform: ${platform}\n`);
  // A set-up of somebody else, that does not end: the first one waits there.
  const setup = await acquire(join(LOCAL, "setup.lock"), "the set-up");
  const first = redfleet("up");
  const others: Running[] = [];
  try {
    await until("the first one to hold the stack", () => existsSync(LOCK));
    others.push(redfleet("down"), redfleet("up"));
    await until("both to wait", () => others.every(({ said }) => said().includes("waits for")));
  } finally {
    for (const { kill } of [first, ...others]) kill();
    await setup.release();
  }
  const told = `waits for process ${first.pid}, which works on the stack "${STACK}": `;
  for (const { finished } of others) expect((await finished).output).toContain(told);
}, 60_000);
