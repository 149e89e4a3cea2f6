import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../../support/process.ts";
import { runTier } from "../../support/run-tier.ts";
import { TIERS, type Tier } from "../../support/tiers.ts";

let folder: string;
let tier: Tier;

beforeEach(() => {
  mkdirSync(join(ROOT, ".redfleet"), { recursive: true });
  folder = mkdtempSync(join(ROOT, ".redfleet", "tier-"));
  const like = TIERS.find(({ name }) => name === "runtime") as Tier;
  tier = { ...like, name: relative(join(ROOT, "test"), folder) };
});

afterEach(() => rmSync(folder, { recursive: true }));

const START = 'import { existsSync, writeFileSync } from "node:fs"; import { it } from "vitest";';

function write(name: string, code: string): string {
  const file = join(folder, name);
  writeFileSync(file, `${START}\n${code}`);
  return relative(ROOT, file);
}

it("runs what failed once more, and keeps what was wrong at first", async () => {
  const marker = JSON.stringify(join(folder, "marker"));
  const unsteady = write(
    "a.test.ts",
    `it("twice", () => { if (!existsSync(${marker})) { writeFileSync(${marker}, ""); throw new Error("at first") } });
     it("steady", () => {});`,
  );
  const broken = write("b.test.ts", 'it("never", () => { throw new Error("always") });');
  write("c.test.ts", 'it("well", () => {});');
  expect(await runTier(tier)).toMatchObject({
    passed: 3,
    failed: [{ test: `${broken} never`, message: "Error: always" }],
    unsteady: [{ test: `${unsteady} twice`, message: "Error: at first" }],
  });
}, 60_000);

it("counts what is skipped, and what does not load, as failed", async () => {
  const skipped = write("a.test.ts", 'it.skip("left out", () => {});');
  const unloaded = write("b.test.ts", 'throw new Error("no tests here");');
  const { passed, failed } = await runTier({ ...tier, needs: [] });
  expect({ passed, failed }).toEqual({
    passed: 0,
    failed: [
      { test: `${skipped} left out`, message: "skipped" },
      { test: unloaded, message: "no tests here" },
    ],
  });
}, 60_000);

it("counts a tier in which nothing ran as failed", async () => {
  const { passed, failed } = await runTier(tier);
  expect({ passed, failed }).toEqual({
    passed: 0,
    failed: [{ test: tier.name, message: "nothing ran" }],
  });
}, 60_000);
