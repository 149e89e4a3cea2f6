import { afterAll, beforeAll, expect, it } from "vitest";
import { freeze } from "../support/containers.ts";
import type { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";
import { login } from "./support/editor.ts";
import { openValkey, type StoreLab } from "./support/labs.ts";
import { launch, type Runtime, start } from "./support/runtime.ts";

let lab: StoreLab & { group: ValkeyGroup };
let editor: Runtime;

beforeAll(async () => {
  lab = await openValkey();
  await give("first");
  editor = await start({ ...lab.access, role: "editor" });
});
afterAll(async () => {
  await editor?.remove();
  await lab?.close();
});

/** Starts the job with the password that the stack has. */
function begin(password: string): Promise<Runtime> {
  const environment = {
    REDFLEET_FIRST_USER: "admin",
    REDFLEET_FIRST_PASSWORD_FILE: "/run/redfleet/first-password",
  };
  const files = { "first-password": password };
  const options = { ...lab.access, role: "instance", secret: null, environment, files } as const;
  return launch({ ...options, script: "first-user.ts" });
}

/** Waits for the end of the job, which is a good one; what it said. */
async function done(job: Runtime): Promise<string> {
  const code = await job.ended();
  const logs = await job.logs();
  expect(code, logs).toBe(0);
  return logs;
}

/** Runs the job; what it said. */
async function give(password: string): Promise<string> {
  const job = await begin(password);
  try {
    return await done(job);
  } finally {
    await job.remove();
  }
}

it("lets the first user of a flow store in Valkey log in", async () => {
  expect((await login(editor, "admin", "first")).status).toBe(200);
  expect((await login(editor, "admin", "other")).status).toBeGreaterThanOrEqual(400);
});

it("changes nothing when the stack's password is the same, and takes a new one", async () => {
  expect(await give("first")).toContain("the first user is unchanged");
  expect(await give("second")).toContain("the first user was updated");
  expect((await login(editor, "admin", "second")).status).toBe(200);
});

it("gets through when nothing is confirmed for longer than one write waits, as in a failover", async () => {
  const replica = 1 - (await lab.group.settled());
  const container = lab.group.lab.container(`valkey-${replica}`);
  await freeze(container);
  const job = await begin("third");
  try {
    await until("one write has waited in vain", async () =>
      (await job.logs()).includes("the first user is not confirmed yet"),
    );
    await container.unpause();
    const logs = await done(job);
    expect(logs).toContain("the first user was updated");
    expect(logs).not.toMatch(/writeable|enableOfflineQueue/);
    expect((await login(editor, "admin", "third")).status).toBe(200);
  } finally {
    // An error when it runs again already.
    await container.unpause().catch(() => {});
    await job.remove();
  }
});

it("leaves a password alone that a person has set, whatever the stack has", async () => {
  await lab.addUser("admin", "admin");
  for (const password of ["third", "fourth"]) {
    expect(await give(password)).toContain("the first user keeps the password");
    expect((await login(editor, "admin")).status).toBe(200);
    expect((await login(editor, "admin", password)).status).toBeGreaterThanOrEqual(400);
  }
});
