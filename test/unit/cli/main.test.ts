import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

/** Runs the command with no engine to reach. */
function redfleet(...args: string[]) {
  const env = {
    ...process.env,
    DOCKER_HOST: "unix:///var/tmp/redfleet-nobody.sock",
    NO_COLOR: "1",
  };
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", env });
}

/** A busy machine starts processes slowly. */
const TIMEOUT = 60_000;

test("wrong usage exits with 2 and says what is right", { timeout: TIMEOUT }, () => {
  const unknown = redfleet("statos");
  expect(unknown.status).toBe(2);
  expect(unknown.stderr).toContain("Did you mean status?");
  expect(redfleet("logs", "main", "--tail", "some").status).toBe(2);
  const wait = redfleet("up", "--wait", "0");
  expect(wait.status).toBe(2);
  expect(wait.stderr).toContain("use a whole number of seconds, for example 60");
  const stack = redfleet("status", "--stack", "Dev!");
  expect(stack.status).toBe(2);
  expect(stack.stderr).toContain('"Dev!" is not a stack name');
});

test("an engine that is down exits with 3 and the way out", { timeout: TIMEOUT }, () => {
  const { status, stderr, stdout } = redfleet("status", "--json");
  expect(status).toBe(3);
  expect(stdout).toBe("");
  expect(stderr).toMatch(
    /^error: the Docker engine does not answer at unix:\/\/\/var\/tmp\/redfleet-nobody\.sock\n/,
  );
  expect(stderr).toContain("way out: ");
});

test("the version is that of the package", { timeout: TIMEOUT }, () => {
  const { status, stdout } = redfleet("--version");
  expect(status).toBe(0);
  expect(stdout.trim()).toBe(manifest.version);
});

test("help exits with 0, and has the order of the table in the README", {
  timeout: TIMEOUT,
}, () => {
  const { status, stdout } = redfleet("--help");
  expect(status).toBe(0);
  const help = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\|.*`(?:npx )?redfleet ([a-z-]+)/gm)].map(([, name]) => name);
  const order = [...new Set(rows)].filter((name) => help.includes(name));
  expect(help.filter((name) => order.includes(name))).toEqual(order);
  expect(order.length).toBeGreaterThan(12);
  expect(redfleet("logs", "--help").stdout).toContain("--follow");
});

test("down takes --yes as an answer, and deletes no data without", { timeout: TIMEOUT }, () => {
  const unconfirmed = redfleet("down", "--delete-data");
  expect(unconfirmed.status).toBe(2);
  expect(unconfirmed.stderr).toContain("way out: npx redfleet down --delete-data --yes");
  // Accepted, as by any tool that may ask: it gets as far as the engine.
  expect(redfleet("down", "--yes").status).toBe(3);
});

test("a rollback wants a number, and says where to find one", { timeout: TIMEOUT }, () => {
  const { status, stderr } = redfleet("rollback", "main", "latest");
  expect(status).toBe(2);
  expect(stderr).toContain('"latest" is not a revision');
  expect(stderr).toContain("npx redfleet revisions main");
});

test("a stack that is not there has no passwords, and gets no folder", { timeout: TIMEOUT }, () => {
  const { status, stderr } = redfleet("password", "main", "--stack", "nobody");
  expect(status).toBe(1);
  expect(stderr).toContain("error: there is no stack file Pulumi.nobody.yaml");
  expect(existsSync(join(ROOT, ".redfleet/nobody"))).toBe(false);
});

test("the environment for a shell is free of what npx put in front", { timeout: TIMEOUT }, () => {
  const npx = spawnSync("npx", ["--no", "redfleet", "env", "--json"], {
    encoding: "utf8",
    cwd: ROOT,
  });
  const { PATH } = JSON.parse(npx.stdout) as { PATH: string };
  const folders = PATH.split(delimiter);
  expect(folders[0]).toBe(join(ROOT, "node_modules/.bin"));
  expect(folders.slice(1).filter((one) => /node_modules\/\.bin|node-gyp|_npx/.test(one))).toEqual(
    [],
  );
  expect(folders).toContain("/usr/bin");
});
