import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { localDirectory } from "../../../cli/context.ts";
import { type CheckpointFiles, restoreIfBroken } from "../../../cli/pulumi/checkpoint.ts";

let folder: string;
let files: CheckpointFiles;
let told = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redfleet-checkpoint-"));
  files = {
    current: join(folder, "dev.json"),
    backups: join(folder, "backups"),
    broken: join(folder, "broken"),
  };
  mkdirSync(files.backups);
  told = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    told += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const whole = (mark: string) => JSON.stringify({ version: 3, checkpoint: { latest: { mark } } });
const cutOff = (mark: string) => whole(mark).slice(0, -9);

/** Writes a file as of a minute. */
function write(path: string, text: string, minute: number): string {
  writeFileSync(path, text);
  utimesSync(path, minute * 60, minute * 60);
  return path;
}

const backup = (minute: number, text: string) =>
  write(join(files.backups, `${minute}.json`), text, minute);

test("a whole state stays as it is, and a stack without one is to be made", () => {
  expect(restoreIfBroken("dev", files)).toBe(false);
  write(files.current, whole("now"), 9);
  expect(restoreIfBroken("dev", files)).toBe(true);
  expect(readFileSync(files.current, "utf8")).toBe(whole("now"));
  expect(told).toBe("");
});

test("a state that was cut off gives way to the newest backup, and is kept", () => {
  write(files.current, cutOff("now"), 9);
  backup(1, whole("oldest"));
  const newest = backup(7, whole("newest"));
  write(`${files.current}.bak`, whole("before"), 5);
  expect(restoreIfBroken("dev", files)).toBe(true);
  expect(readFileSync(files.current, "utf8")).toBe(whole("newest"));
  const [kept = ""] = readdirSync(files.broken);
  expect(readFileSync(join(files.broken, kept), "utf8")).toBe(cutOff("now"));
  expect(told).toBe(
    `  The state ${files.current} cannot be read: it is kept as ${join(files.broken, kept)}\n` +
      `  In its place: ${newest}, of 1970-01-01T00:07:00.000Z\n`,
  );
  expect(existsSync(newest)).toBe(true);
});

test.each([
  ["cut off", cutOff("newest")],
  ["empty", ""],
  ["something else", "[]"],
])("a newest backup that is %s is passed over", (_, text) => {
  write(files.current, cutOff("now"), 9);
  backup(3, whole("older"));
  backup(7, text);
  write(`${files.current}.bak`, whole("before"), 5);
  expect(restoreIfBroken("dev", files)).toBe(true);
  expect(readFileSync(files.current, "utf8")).toBe(whole("before"));
});

test("when no backup is whole nothing is changed, and all files are named", () => {
  write(files.current, cutOff("now"), 9);
  const one = backup(7, cutOff("newest"));
  expect(() => restoreIfBroken("dev", files)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(
        'the state of the stack "dev" cannot be read, and neither can its backups',
      ),
      why: expect.stringContaining(`${files.current}\n${one}\n`),
      fix: [
        "put a copy of one of them back, then npx redfleet up",
        "or begin anew, without the data and with the stack file's secrets set again:",
        "docker ps -aq --filter label=redfleet.stack=dev | xargs -r docker rm -fv",
        "docker network ls -q --filter label=redfleet.stack=dev | xargs -r docker network rm",
        "docker volume ls -q --filter label=redfleet.stack=dev | xargs -r docker volume rm",
        `rm -rf ${files.current} ${files.current}.bak ${localDirectory("dev")}`,
      ].join("\n"),
    }),
  );
  expect(readFileSync(files.current, "utf8")).toBe(cutOff("now"));
});

test("a state that was cut off at its very first write is put aside: there is nothing in it", () => {
  write(files.current, "", 9);
  expect(restoreIfBroken("dev", files)).toBe(false);
  expect(existsSync(files.current)).toBe(false);
  expect(readdirSync(files.broken)).toHaveLength(1);
  expect(told).toContain("cut off at its first write");
});
