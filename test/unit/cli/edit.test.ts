import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { localDirectory, stackFileOf } from "../../../cli/context.ts";
import { overlayFile } from "../../../cli/pulumi/places.ts";
import { editStackFile, noStackFile } from "../../../cli/stackfile/edit.ts";
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

const addOne = () =>
  editStackFile(STACK, (stack) => addTenant(stack, "one", { template: "nodered-5" }), {
    dryRun: false,
  });

test("a file with line ends of Windows keeps them, and gets no others", async () => {
  writeFileSync(stackFileOf(STACK), FILE.replaceAll("\n", "\r\n"));
  await addOne();
  const written = readFileSync(stackFileOf(STACK), "utf8");
  expect(written).toContain("one:\r\n");
  expect(written.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
});

test("a link to the file stays a link", async () => {
  const target = join(tmpdir(), `${STACK}-${process.pid}.yaml`);
  renameSync(stackFileOf(STACK), target);
  symlinkSync(target, stackFileOf(STACK));
  await addOne();
  expect(lstatSync(stackFileOf(STACK)).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toContain("one:");
  rmSync(target);
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

test("a file that is gone comes back from what the last operation had", () => {
  const last = overlayFile(STACK);
  mkdirSync(dirname(last), { recursive: true });
  writeFileSync(last, "config: {}\n");
  const { fix = "" } = noStackFile(STACK);
  rmSync(dirname(last), { recursive: true });
  expect(fix).toMatch(
    /^cp \S+ Pulumi\.\S+\.yaml brings back what the last operation had; else copy /,
  );
});

test("the file that came with the clone is fetched from it, any other one is a copy", () => {
  expect(noStackFile("dev").fix).toMatch(/git checkout Pulumi\.dev\.yaml$/);
  expect(noStackFile("live").fix).toMatch(/copy Pulumi\.dev\.yaml to that name/);
});
