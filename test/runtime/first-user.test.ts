import { afterAll, beforeAll, expect, it } from "vitest";
import { login } from "./support/editor.ts";
import { openValkey, type StoreLab } from "./support/labs.ts";
import { launch, type Runtime, start } from "./support/runtime.ts";

let lab: StoreLab;
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

/** Runs the job with the password that the stack has; what it says. */
async function give(password: string): Promise<string> {
  const environment = {
    REDFLEET_FIRST_USER: "admin",
    REDFLEET_FIRST_PASSWORD_FILE: "/run/redfleet/first-password",
  };
  const files = { "first-password": password };
  const options = { ...lab.access, role: "instance", secret: null, environment, files } as const;
  const job = await launch({ ...options, script: "first-user.ts" });
  try {
    const code = await job.ended();
    const logs = await job.logs();
    expect(code, logs).toBe(0);
    return logs;
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

it("leaves a password alone that a person has set, whatever the stack has", async () => {
  await lab.addUser("admin", "admin");
  for (const password of ["second", "third"]) {
    expect(await give(password)).toContain("the first user keeps the password");
    expect((await login(editor, "admin")).status).toBe(200);
    expect((await login(editor, "admin", password)).status).toBeGreaterThanOrEqual(400);
  }
});
