import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OFFICIAL_BASES, readBases } from "../../../components/images/bases.ts";
import { contextFiles, imageTag } from "../../../components/images/digest.ts";
import { ignoreMatcher } from "../../../components/images/ignore.ts";

let root: string;
const context = () => join(root, "images", "x");

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "redfleet-image-"));
  write("Dockerfile", "FROM scratch\n");
  write("start", "#!/bin/sh\n");
});
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(context(), file)), { recursive: true });
  writeFileSync(join(context(), file), text);
}

const link = (target: string) => symlinkSync(target, join(context(), "link"));

const tag = (args: Record<string, string> = {}) => imageTag("x", args, root);

test("the same content has the same tag", () => {
  expect(tag({ A: "1", B: "2" })).toBe(tag({ B: "2", A: "1" }));
  expect(tag()).toMatch(/^redfleet\/x:[0-9a-f]{16}$/);
});

test.each([
  ["a file changes", () => write("start", "#!/bin/sh\nexit\n")],
  ["a file comes", () => write("more/file", "")],
  ["a file becomes executable", () => chmodSync(join(context(), "start"), 0o755)],
  ["a package comes", () => write("node_modules/y/index.js", "vendored")],
  ["a link comes", () => link("start")],
])("another tag when %s", (_, change) => {
  const before = tag();
  change();
  expect(tag()).not.toBe(before);
});

test("a link counts by where it leads to, though nothing is there", () => {
  link("start");
  const before = tag();
  rmSync(join(context(), "link"));
  link("nowhere");
  expect(tag()).not.toBe(before);
});

test("another tag with another base", () => {
  expect(tag({ BASE: "a" })).not.toBe(tag({ BASE: "b" }));
});

test("what the engine does not get is not in the tag", () => {
  write(".dockerignore", "*.log\nnode_modules\ndocs\n!docs/keep.md\n");
  const before = tag();
  write("node_modules/y/index.js", "installed");
  write("trace.log", "now");
  write("docs/draft.md", "draft");
  expect(tag()).toBe(before);
  write("docs/keep.md", "kept");
  expect(tag()).not.toBe(before);
});

test("a Dockerfile counts though it is ignored: the engine builds by it", () => {
  write(".dockerignore", "*\n!start\n");
  const before = tag();
  write("Dockerfile", "FROM scratch\nCOPY start /\n");
  expect(tag()).not.toBe(before);
  expect(contextFiles(context())).toEqual(["Dockerfile", "start"]);
});

test("files are listed in one order with one separator", () => {
  write("b/c", "");
  write("a", "");
  expect(contextFiles(context())).toEqual(["Dockerfile", "a", "b/c", "start"]);
});

test.each([
  ["*.md", "a.md", true],
  ["*.md", "docs/a.md", false],
  ["**/*.md", "docs/deep/a.md", true],
  ["**/*.md", "a.md", true],
  ["docs", "docs/a.md", true],
  ["/docs/", "docs/a.md", true],
  ["docs", "docs2/a.md", false],
  ["?.txt", "ab.txt", false],
  ["a.c", "abc", false],
  ["*\n!keep", "keep", false],
])("the rule %j on %s: ignored %s", (rules, file, ignored) => {
  expect(ignoreMatcher(rules)(file)).toBe(ignored);
});

test("official bases without a set-up, those of the set-up after it", () => {
  expect(readBases(root)).toEqual(OFFICIAL_BASES);
  mkdirSync(join(root, ".redfleet"));
  writeFileSync(join(root, ".redfleet", "bases.json"), '{"debian":"own/debian:1"}');
  expect(readBases(root)).toEqual({ ...OFFICIAL_BASES, debian: "own/debian:1" });
});

test("a broken answer of the set-up says what to do", () => {
  mkdirSync(join(root, ".redfleet"));
  writeFileSync(join(root, ".redfleet", "bases.json"), "{");
  expect(() => readBases(root)).toThrow("run the set-up again (npm run up)");
});

test("the licences of Node-RED's packages stay in its image, and the types of its function editor", () => {
  const prune = join(import.meta.dirname, "../../../images/node-red/prune.sh");
  const kept = ["index.js", "LICENSE.md", "licence.markdown", "COPYING.md", "NOTICE.md"];
  for (const file of [...kept, "README.md", "index.d.ts", "docs/LICENSE"]) {
    write(`node_modules/a/${file}`, "");
  }
  const types = "public/types/node-red/func.d.ts";
  for (const file of [types, "public/red/red.js", "locales/de/x.json"]) {
    write(`node_modules/@node-red/editor-client/${file}`, "");
  }
  execFileSync("sh", [prune, context()]);
  expect(readdirSync(join(context(), "node_modules/a")).sort()).toEqual(kept.sort());
  const editor = join(context(), "node_modules/@node-red/editor-client");
  const files = readdirSync(editor, { recursive: true, withFileTypes: true });
  expect(files.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual(["func.d.ts"]);
});
