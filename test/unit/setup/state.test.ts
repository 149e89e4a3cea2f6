import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, expect, test } from "vitest";
import { checkState } from "../../../cli/doctor/state.ts";
import { checkpointFile } from "../../../cli/pulumi/places.ts";
import { readState } from "../../../cli/pulumi/state.ts";
import { testName } from "../../support/names.ts";

const STACK = testName("state");
const FILE = checkpointFile(STACK);
const FIX = `npx redfleet up --stack ${STACK} puts it aside and goes on from the newest backup`;

afterEach(() => rmSync(FILE, { force: true }));

test("a state that was cut off is told as such by every command that reads it", async () => {
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, '{"version":3,"checkpoint":{"latest"');
  const why = expect.stringContaining(`${FILE} was cut off: `);
  const told = { what: `the state of the stack "${STACK}" cannot be read`, why, fix: FIX };
  expect(() => readState(STACK)).toThrow(expect.objectContaining(told));
  const checks = await checkState(STACK);
  expect(checks).toContainEqual({ name: "state", verdict: "warn", detail: why, fix: FIX });
});

test("a stack without a state has none", () => {
  expect(readState(STACK)).toEqual({ resources: [], pending: [], salt: undefined });
});
