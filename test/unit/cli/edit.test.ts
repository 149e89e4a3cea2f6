import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { localDirectory, stackFileOf } from "../../../cli/context.ts";
import { editStackFile } from "../../../cli/stackfile/edit.ts";
import { addTenant } from "../../../cli/stackfile/tenants.ts";

const STACK = "test-unit-edit";
const FILE = `config:
  redfleet:platform:
    domain: fleet.example.org
    dev: true
    tenants: {}
`;

beforeEach(() => writeFileSync(stackFileOf(STACK), FILE));
afterEach(() => {
  rmSync(stackFileOf(STACK), { force: true });
  rmSync(localDirectory(STACK), { recursive: true, force: true });
});

test("edits at the same time lose nothing of each other", async () => {
  const keys = ["one", "two", "three", "four", "five"];
  const add = (key: string) =>
    editStackFile(STACK, (stack) => addTenant(stack, key, { template: "nodered-5" }), {
      dryRun: false,
    });
  await Promise.all(keys.map(add));
  const written = parse(readFileSync(stackFileOf(STACK), "utf8"));
  expect(Object.keys(written.config["redfleet:platform"].tenants).sort()).toEqual(keys.sort());
});
