import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CODES } from "../../../config/errors.ts";
import { SILENT_SECONDS } from "../../../images/node-red/runtime/store/workers.ts";
import { TIERS } from "../../support/tiers.ts";

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");

test("docs/errors.md explains every code of the stack file", () => {
  const rows = page("errors.md").matchAll(/^\| `(REDFLEET_CFG_\w+)` \| (.+?) \|/gm);
  const documented = Object.fromEntries([...rows].map(([, code, meaning]) => [code, meaning]));
  expect(documented).toEqual(CODES);
});

test.each([
  ["another clone's data", "this engine holds data of a stack"],
  ["a state that is lost", "cannot be read, and neither can its backups"],
])("docs/errors.md tells of %s", (_, what) => {
  expect(page("errors.md")).toMatch(new RegExp(`^\\| \`[^\`]*${what}`, "m"));
});

test("docs/metrics.md tells when a worker is silent", () => {
  expect(page("metrics.md")).toContain(`heard of within ${SILENT_SECONDS} s and`);
});

test("docs/architecture.md names every folder of tests", () => {
  const [row] = /^\| `test\/` .*$/m.exec(page("architecture.md")) ?? [];
  const folders = TIERS.map(({ name }) => name).filter((name) => name !== "checks");
  expect(row?.match(/`\w+`/g)?.sort()).toEqual(
    [...folders, "bench"].map((one) => `\`${one}\``).sort(),
  );
});
