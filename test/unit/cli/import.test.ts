import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSource } from "../../../cli/import/source.ts";

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
/** A busy machine starts processes slowly. */
const TIMEOUT = 60_000;
/** Nothing listens there. */
const URL_WITH_PASSWORD = "redis://:hunter2@127.0.0.1:1/0";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "redfleet-import-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `redfleet import` with no engine to reach. */
function importFrom(args: readonly string[], input = "") {
  const env = {
    ...process.env,
    DOCKER_HOST: "unix:///var/tmp/redfleet-nobody.sock",
    NO_COLOR: "1",
  };
  return spawnSync(process.execPath, [MAIN, "import", "main", ...args], {
    ...{ encoding: "utf8", env, input },
  });
}

test("a URL is read from a file or from standard input", { timeout: TIMEOUT }, () => {
  const file = join(folder, "url");
  writeFileSync(file, `${URL_WITH_PASSWORD}\n`);
  for (const { stderr, status } of [
    importFrom(["--from-file", file]),
    importFrom(["--from-file", "-"], URL_WITH_PASSWORD),
  ]) {
    expect(status).toBe(1);
    expect(stderr).toContain(
      "error: the Valkey or Redis to import from does not let itself be read",
    );
    expect(stderr).not.toMatch(/hunter2|note:/);
  }
});

test("a password among the arguments is told", { timeout: TIMEOUT }, () => {
  for (const url of [URL_WITH_PASSWORD, "s3://eve:hunter2@127.0.0.1/0"]) {
    const { stderr } = importFrom(["--from", url]);
    expect(stderr).toContain("note: a password in --from is seen by whoever lists processes");
    expect(stderr).not.toContain("hunter2");
  }
});

test.each([
  ["mongodb://user:p%zz@host/db", "URI malformed"],
  ["mongodb://user:p@ss@host/db", "Invalid connection string"],
  ["mongodb://host/db?foo=bar", "option foo is not supported"],
])("a URI that MongoDB's driver does not take is told: %s", async (uri, why) => {
  const what = "the MongoDB URI cannot be used";
  await expect(readSource(uri, { prefix: "nodered:" })).rejects.toMatchObject({ what, why });
});

test("there is one source, and a file holds one URL", { timeout: TIMEOUT }, () => {
  const none = importFrom([]);
  expect(none.status).toBe(2);
  expect(none.stderr).toContain("error: no source to import from");
  const two = importFrom(["--from", "x", "--from-file", "y"]);
  expect(two.status).toBe(2);
  expect(two.stderr).toContain("error: two sources to import from");
  const empty = importFrom(["--from-file", "-"], "\n");
  expect(empty.stderr).toMatch(/error: standard input is not one URL\n.*it is empty/);
  const many = importFrom(["--from-file", "-"], "redis://a\nredis://b\n");
  expect(many.stderr).toMatch(/standard input is not one URL\n.*it holds more than that/);
  const shared = importFrom(["--from-file", "-", "--password-file", "-"], "redis://a\n");
  expect(shared.status).toBe(2);
  expect(shared.stderr).toContain(
    "error: standard input is asked for twice: --from-file and --password-file",
  );
  const gone = importFrom(["--from-file", join(folder, "gone")]);
  expect(gone.status).toBe(2);
  expect(gone.stderr).toMatch(/gone cannot be read/);
  expect(gone.stderr).toContain(
    "way out: name a file that holds the URL alone, or - for standard input",
  );
});
