import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatProblem } from "../../../config/errors.ts";
import { checkStackFile } from "../../../config/stack-file.ts";

const lines = (text: string) => checkStackFile(text, "dev").map(formatProblem);

const HEAD = "config:\n  redfleet:platform:\n    domain: fleet.example.org\n    tenants:\n";

test("a key that stands twice, with both lines", () => {
  const tenant = "      acme: { template: nodered-5 }\n";
  expect(lines(HEAD + tenant + tenant)).toEqual([
    "tenants.acme (line 6): got acme; a key stands once: first at line 5, again at line 6; remove one of them [REDFLEET_CFG_DUPLICATE_KEY]",
  ]);
});

test.each(["no", "08", "1e3", "~", "on", "0x1f", "1_000", "TRUE"])("the unquoted key %s", (key) => {
  const text = `${HEAD}      ${key}: { template: nodered-5 }\n`;
  expect(lines(text)).toEqual([
    `tenants.${key} (line 5): got ${key}; YAML 1.1 or 1.2 reads this key as a number, a boolean or nothing; quote it: "${key}" [REDFLEET_CFG_UNQUOTED_KEY]`,
  ]);
});

test.each([
  [
    HEAD.replace("redfleet:platform", "redfleet:platfrom"),
    'config.redfleet:platfrom: unknown key; did you mean "redfleet:platform"? [REDFLEET_CFG_UNKNOWN_KEY]',
  ],
  [
    HEAD.replace("redfleet:platform", "refleet:platform"),
    'config.refleet:platform: unknown key; did you mean "redfleet:platform"? [REDFLEET_CFG_UNKNOWN_KEY]',
  ],
  [
    `${HEAD}      {}\n  redfleet:tenants: {}\n`,
    "config.redfleet:tenants: unknown key; use one of redfleet:platform, redfleet:secrets [REDFLEET_CFG_UNKNOWN_KEY]",
  ],
  [
    HEAD.replace("config", "confg"),
    'confg: unknown key; did you mean "config"? [REDFLEET_CFG_UNKNOWN_KEY]',
  ],
])("a misspelt key at the top is the one problem", (text, problem) => {
  expect(lines(text)).toEqual([problem]);
});

test("the keys of other programs at the top are none of ours", () => {
  expect(lines(`${HEAD}      {}\n  docker:host: unix:///x\nencryptionsalt: v1\n`)).toEqual([]);
});

test("a quoted key is a name", () => {
  expect(lines(`${HEAD}      "no": { template: nodered-5 }\n`)).toEqual([]);
});

test("a file that expands without bound", () => {
  const bomb = `a: &a [x]\nb: [${"*a, ".repeat(200)}]\n`;
  expect(lines(bomb)).toEqual([
    "(file): got 200 aliases; at most 100 aliases; make it smaller [REDFLEET_CFG_TOO_LARGE]",
  ]);
});

test("aliases that point at aliases", () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const below = Array.from({ length: 9 }, () => `*l${level}`).join(", ");
    return `l${level + 1}: &l${level + 1} [${below}]`;
  });
  expect(lines(["l0: &l0 lol", ...levels].join("\n"))).toEqual([
    "(file): got 108 aliases; at most 100 aliases; make it smaller [REDFLEET_CFG_TOO_LARGE]",
  ]);
});

test.each([
  ["an alias without an anchor", "*!", "(file) (line 1): got *!"],
  ["an alias before its anchor", "a: *x\nb: &x 1\n", "(file) (line 1): got *x"],
  ["an alias inside of its anchor", "a: &x\n  b: *x\n", "(file) (line 2): got *x"],
])("%s", (_, text, start) => {
  expect(lines(text)).toEqual([
    `${start}; an alias names an anchor that stands before it and not around it; correct the YAML [REDFLEET_CFG_YAML]`,
  ]);
});

test("few aliases that still expand without bound", () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const below = Array.from({ length: 8 }, () => `*l${level}`).join(", ");
    return `l${level + 1}: &l${level + 1} [${below}]`;
  });
  expect(lines(["l0: &l0 lol", ...levels].join("\n"))).toEqual([
    "(file): got aliases of aliases; a file that stays small; make it smaller [REDFLEET_CFG_TOO_LARGE]",
  ]);
});

test("a file above 1 MB", () => {
  expect(lines(`# ${"x".repeat(1_000_000)}\n`)).toEqual([
    "(file): got 1000003 bytes; at most 1 MB; make it smaller [REDFLEET_CFG_TOO_LARGE]",
  ]);
});

test("text that is not YAML in several places, with all of them", () => {
  const said = "Nested mappings are not allowed in compact mappings; correct the YAML";
  expect(lines("config:\n  a: 1: 2\n  b: 3: 4\n")).toEqual([
    `(file) (line 2): ${said} [REDFLEET_CFG_YAML]`,
    `(file) (line 3): ${said} [REDFLEET_CFG_YAML]`,
  ]);
});

test("text that is not YAML, with its line", () => {
  expect(lines("config:\n  a: [1\n")[0]).toMatch(/^\(file\) \(line \d\): .*\[REDFLEET_CFG_YAML\]$/);
});

test("text and rules are reported together", () => {
  const text = `${HEAD}      no: { template: nodered-5 }\n    mongodb: { members: 2 }\n`;
  expect(lines(text)).toHaveLength(2);
});

test("secrets are known by name, encrypted or not", () => {
  const tenant = "      acme: { template: nodered-5, secretEnv: { TOKEN: api } }\n";
  const secrets = "  redfleet:secrets:\n    api: { secure: v1:xyz }\n";
  expect(lines(HEAD + tenant)).toHaveLength(1);
  expect(lines(HEAD + tenant + secrets)).toEqual([]);
});

test.each(readdirSync("config/stacks"))("the example %s has no problems", (file) => {
  expect(lines(readFileSync(`config/stacks/${file}`, "utf8"))).toEqual([]);
});

test("the trial stack has no problems", () => {
  expect(lines(readFileSync("Pulumi.dev.yaml", "utf8"))).toEqual([]);
});
