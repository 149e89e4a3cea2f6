import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { stackFileOf } from "../../../cli/context.ts";

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
const STACK = "test-unit-list";
/** A busy machine starts processes slowly. */
const TIMEOUT = 60_000;
const HEAD = "config:\n  redfleet:platform:\n    domain: fleet.example.org\n    dev: true\n";

afterEach(() => rmSync(stackFileOf(STACK), { force: true }));

function list(text: string, ...more: string[]) {
  writeFileSync(stackFileOf(STACK), text);
  const args = [MAIN, "tenant", "list", "--stack", STACK, ...more];
  const env = { ...process.env, NO_COLOR: "1" };
  return spawnSync(process.execPath, args, { encoding: "utf8", env });
}

test("tenants are listed as they are declared", { timeout: TIMEOUT }, () => {
  const { status, stdout } = list(`${HEAD}    tenants: { acme: { template: nodered-5 } }\n`);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^acme +nodered-5 +running$/m);
});

test.each([
  ["an empty file", "", "required (a text)"],
  ["a template that there is none of", `${HEAD}    tenants: { a: { template: x } }\n`, "no such"],
  ["text that is not YAML", "config: [\n", "REDFLEET_CFG_YAML"],
])("%s is no list", { timeout: TIMEOUT }, (_, text, problem) => {
  for (const more of [[], ["--json"]]) {
    const { status, stdout, stderr } = list(text, ...more);
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(`in Pulumi.${STACK}.yaml`);
    expect(stderr).toContain(problem);
  }
});
