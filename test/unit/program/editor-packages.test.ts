import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createLogger } from "../../../images/node-red/runtime/log.ts";
import { EditorPackages } from "../../../images/node-red/runtime/packages/editor.ts";
import { Npm, type RegistryAccess } from "../../../images/node-red/runtime/packages/npm.ts";
import {
  dependenciesOf,
  digestOf,
  type PackageSet,
  readSet,
} from "../../../images/node-red/runtime/packages/set.ts";
import { startNpmRegistry } from "../../support/npm-registry.ts";
import { pause } from "../../support/wait.ts";

// Started by npm, a process has npm's own configuration in its environment, which goes before the one that is written.
for (const name of Object.keys(process.env)) {
  if (/^npm_config_/i.test(name)) delete process.env[name];
}

const log = createLogger("error", { component: "test" });
let userDir = "";
beforeEach(() => {
  userDir = mkdtempSync(join(tmpdir(), "redfleet-packages-"));
  const folder = userDir;
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

/** A set with one dependency; `entries` are what the lock says of it. */
function setOf(name: string, wanted: string, entries: Record<string, object>): PackageSet {
  const root = { name: "node-red-project", dependencies: { [name]: wanted } };
  const lock = { name: root.name, lockfileVersion: 3, packages: { "": root, ...entries } };
  return { manifest: JSON.stringify(root), lock: JSON.stringify(lock) };
}

const before = setOf("kept", "1.0.0", { "node_modules/kept": { version: "1.0.0" } });
/** Needs no registry: a folder beside it. */
const local = setOf("local", "file:local", {
  local: { version: "1.0.0" },
  "node_modules/local": { resolved: "local", link: true },
});

/** What npm would have left of {@link before}. */
function installBefore(): void {
  writeFileSync(join(userDir, "package.json"), before.manifest);
  writeFileSync(join(userDir, "package-lock.json"), before.lock);
  mkdirSync(join(userDir, "node_modules/kept"), { recursive: true });
  writeFileSync(join(userDir, "node_modules/kept/package.json"), '{"version":"1.0.0"}');
  writeFileSync(join(userDir, ".redfleet-packages"), digestOf(before));
}

/** Nothing listens there. */
const AWAY = "http://127.0.0.1:1/";
const missing = setOf("away", "1.0.0", {
  "node_modules/away": { version: "1.0.0", resolved: `${AWAY}away.tgz` },
});

const away: RegistryAccess = { url: AWAY, caFile: undefined, token: undefined };
const npmOf = (registry: RegistryAccess) =>
  new Npm({ ...registry, cache: join(userDir, ".npm"), scripts: false, log });

/** Packages of an editor whose flow store has one set, and whose registry is away. */
function open(stored: PackageSet, npm = npmOf(away)) {
  const sets = { read: async () => stored, keep: async (set: PackageSet | null) => digestOf(set) };
  const options = { userDir, sets, npm, log, modules: [], onChange: async () => {} };
  const packages = new EditorPackages(options);
  return (check: () => Promise<void>) => packages.change({ digest: digestOf(stored) }, check);
}

const hasBefore = () => existsSync(join(userDir, "node_modules/kept/package.json"));
const applied = async () => {};
const refused = async () => {
  throw new Error("the flows were refused");
};

test("with the registry away the folder keeps what it had", async () => {
  installBefore();
  const change = open(missing);
  await expect(change(applied)).rejects.toThrow(/ECONNREFUSED/);
  expect(readSet(userDir)).toEqual(before);
  expect(hasBefore()).toBe(true);
}, 60_000);

test("a folder that had nothing has nothing again", async () => {
  const change = open(missing);
  await expect(change(applied)).rejects.toThrow(/ECONNREFUSED/);
  expect(readSet(userDir)).toBeNull();
  expect(["package.json", "node_modules"].map((name) => existsSync(join(userDir, name)))).toEqual([
    false,
    false,
  ]);
}, 60_000);

/** Makes {@link local} installable. */
function publishLocal(): PackageSet {
  mkdirSync(join(userDir, "local"));
  writeFileSync(join(userDir, "local/package.json"), '{"name":"local","version":"1.0.0"}');
  return local;
}

test("flows that are refused take their packages along, for that reason", async () => {
  installBefore();
  const change = open(publishLocal());
  await expect(change(refused)).rejects.toThrow("the flows were refused");
  expect([readSet(userDir), hasBefore()]).toEqual([before, true]);
  await change(applied);
  expect([readSet(userDir), hasBefore()]).toEqual([local, false]);
  expect(existsSync(join(userDir, "node_modules/local/package.json"))).toBe(true);
}, 60_000);

test("an install that has begun ends in its own folder, and stays", async () => {
  installBefore();
  const registry = await startNpmRegistry();
  onTestFinished(() => registry.close());
  for (const name of ["kept", "slow"]) registry.publish({ name, version: "1.0.0" });
  const caFile = join(userDir, "ca.pem");
  writeFileSync(caFile, registry.ca);
  const npm = npmOf({ url: registry.url, caFile, token: registry.token });
  const change = open(publishLocal(), npm);
  const { asked, release } = registry.hold();
  const installing = npm.run(["install", "--", "slow@1.0.0"], userDir);
  await asked;
  const checked = vi.fn(applied);
  const changing = change(checked);
  // Time enough to put the folder aside.
  await pause(200);
  expect([readSet(userDir), hasBefore()]).toEqual([before, true]);
  release();
  await Promise.all([installing, changing]);
  expect(checked).toHaveBeenCalledOnce();
  const installed = readSet(userDir);
  expect(installed && Object.keys(dependenciesOf(installed))).toEqual(["kept", "slow"]);
  expect(existsSync(join(userDir, "node_modules/slow/package.json"))).toBe(true);
}, 60_000);

test("flows may have npm install what their functions need", async () => {
  installBefore();
  const npm = npmOf(away);
  const change = open(publishLocal(), npm);
  await change(() => npm.run(["--version"], userDir));
  expect(readSet(userDir)).toEqual(local);
}, 60_000);

test("a process that ended in the middle of a change leaves no packages that nobody has asked for", () => {
  installBefore();
  mkdirSync(join(userDir, ".redfleet-aside"));
  open(local);
  expect([readSet(userDir), hasBefore()]).toEqual([null, false]);
});
