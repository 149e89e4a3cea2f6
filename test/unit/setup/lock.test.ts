import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { acquire } from "../../../cli/setup/lock.ts";

const folder = mkdtempSync(join(tmpdir(), "redfleet-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An owner that has ended: this process's id, but started at another time. */
const DEAD = JSON.stringify({ pid: process.pid, start: "1" });

/** Takes the lock so often at once; tells how many held it together and how many took over. */
async function compete(file: string, times: number) {
  let holders = 0;
  let together = 0;
  let tookOver = 0;
  const one = async () => {
    const lock = await acquire(file, "a test");
    holders += 1;
    together = Math.max(together, holders);
    if (lock.interrupted) tookOver += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
    holders -= 1;
    await lock.release();
  };
  await Promise.all(Array.from({ length: times }, one));
  return { together, tookOver };
}

test("of many that find a dead owner's lock, one takes over", async () => {
  for (const round of [1, 2, 3]) {
    const file = join(folder, `dead-${round}.lock`);
    writeFileSync(file, DEAD);
    expect(await compete(file, 6)).toEqual({ together: 1, tookOver: 1 });
  }
  expect(readdirSync(folder)).toEqual([]);
}, 60_000);

test("a take-over that was killed is taken over, too", async () => {
  const file = join(folder, "twice.lock");
  writeFileSync(file, DEAD);
  writeFileSync(`${file}.takeover`, DEAD);
  expect(await compete(file, 2)).toEqual({ together: 1, tookOver: 1 });
  expect(readdirSync(folder)).toEqual([]);
}, 20_000);

test("a lock that was given back leaves no trace", async () => {
  expect(await compete(join(folder, "free.lock"), 2)).toEqual({ together: 1, tookOver: 0 });
}, 20_000);
