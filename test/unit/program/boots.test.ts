import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Boot, Boots, nextBoot } from "../../../images/node-red/runtime/boots.ts";

/** The run after crashes whose runs took so many seconds. */
function after(runs: readonly number[], first?: Boot): Boot {
  let now = 1_000_000;
  let boot = nextBoot(first, now);
  for (const seconds of runs) {
    now += seconds * 1000;
    boot = nextBoot({ ...boot, aliveAt: now, clean: false }, now);
  }
  return boot;
}

test.each([
  ["four short runs", [1, 2, 1, 2], "normal"],
  ["five short runs", [1, 2, 1, 2, 1], "safe"],
  ["five runs of under 30 s on average", [100, 1, 20, 5, 2], "safe"],
  ["five long runs of different lengths", [100, 200, 300, 400, 500], "normal"],
  ["five long runs of the same length", [600, 601, 600, 599, 600], "safe"],
  ["short runs long ago", [1, 1, 1, 1, 4000, 3600, 9000, 200, 50], "normal"],
  ["four short runs in safe mode", [1, 1, 1, 1, 1, 2, 2, 2, 2], "safe"],
  ["five short runs in safe mode", [1, 1, 1, 1, 1, 2, 2, 2, 2, 2], "stopped"],
  ["a crash while stopped", [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 9], "stopped"],
])("%s", (_what, runs, mode) => {
  expect(after(runs as number[]).mode).toBe(mode);
});

test("a clean end forgets", () => {
  const safe = after([1, 1, 1, 1, 1]);
  expect(safe.reason).toBe("the process ended 5 times, after 1.0 s on average");
  expect(nextBoot({ ...safe, clean: true }, 0)).toMatchObject({ mode: "normal", crashes: [] });
});

test("a record takes the place of the one before in one step, or not at all", () => {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-boots-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const boots = new Boots(folder);
  const [file = ""] = readdirSync(folder);
  expect(readdirSync(folder)).toEqual([file]);
  const before = readFileSync(join(folder, file), "utf8");
  expect(JSON.parse(before)).toMatchObject({ mode: "normal", clean: false });
  // As a full disk does: the new record cannot be written.
  mkdirSync(join(folder, `${file}.new`));
  boots.runs(7);
  expect(readFileSync(join(folder, file), "utf8")).toBe(before);
});
