import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stackFileOf } from "../../../cli/context.ts";

const WRAPPER = fileURLToPath(new URL("../../../cli/pulumi/main.ts", import.meta.url));
const STACKS = ["test-unit-one", "test-unit-two"];
/** A busy machine starts processes slowly. */
const TIMEOUT = 60_000;

// Files that the wrapper refuses before it starts Pulumi, each by its name.
beforeAll(() => {
  for (const stack of STACKS) writeFileSync(stackFileOf(stack), "config: {}\n");
});
afterAll(() => {
  for (const stack of STACKS) rmSync(stackFileOf(stack), { force: true });
});

test.each([
  ["the variable", ["destroy", "--yes"], { REDFLEET_STACK: "test-unit-two" }, "test-unit-two"],
  [
    "an option before the variable",
    ["preview", "-s", "test-unit-one"],
    { REDFLEET_STACK: "test-unit-two" },
    "test-unit-one",
  ],
  [
    "Pulumi's own variable before ours",
    ["up"],
    { REDFLEET_STACK: "test-unit-two", PULUMI_STACK: "test-unit-one" },
    "test-unit-one",
  ],
])(
  "pulumi works on the stack that is named by %s",
  { timeout: TIMEOUT },
  (_, args, given, stack) => {
    const env = { ...process.env, NO_COLOR: "1", PULUMI_STACK: undefined, ...given };
    const { status, stderr } = spawnSync(process.execPath, [WRAPPER, ...args], {
      encoding: "utf8",
      env,
    });
    expect(status).toBe(1);
    expect(stderr.split("\n")[0]).toBe(`error: 2 problems in Pulumi.${stack}.yaml`);
  },
);
