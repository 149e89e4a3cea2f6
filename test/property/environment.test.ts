import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { parsePlatform } from "../../config/parse.ts";
import {
  parseEnvironment,
  RESERVED_PREFIXES,
  RESERVED_VARIABLES,
} from "../../images/node-red/runtime/environment.ts";

const folder = mkdtempSync(join(tmpdir(), "redfleet-environment-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const uri = file("uri", "mongodb://user:password@a/x");

/** The flows' environment as a tenant's runtime reads it; throws where it would exit with 78. */
function runtimeReads(environment: Record<string, string>): Record<string, string> {
  return parseEnvironment({
    REDFLEET_ROLE: "instance",
    REDFLEET_NAME: "acme",
    REDFLEET_MONGODB_URI_FILE: uri,
    REDFLEET_MONGODB_DATABASE: "tenant-acme",
    REDFLEET_ENVIRONMENT_FILE: file("environment.json", JSON.stringify(environment)),
  }).flowEnvironment;
}

const tail = fc.stringMatching(/^[A-Za-z0-9_]{0,6}$/);
const names = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/),
  fc.string({ maxLength: 6 }),
  // Near what is reserved, where two lists would differ.
  fc
    .tuple(fc.constantFrom(...RESERVED_VARIABLES, ...RESERVED_PREFIXES), tail, fc.boolean())
    .map(([start, rest, lower]) => (lower ? start.toLowerCase() : start) + rest),
);

test("a variable that the configuration accepts, the runtime accepts", () => {
  fc.assert(
    fc.property(names, fc.string(), (name, value) => {
      const tenants = { acme: { template: "nodered-5", env: { [name]: value } } };
      const platform = { domain: "fleet.example.org", dev: true, tenants };
      const { problems, config } = parsePlatform(platform, { stack: "dev", secretNames: [] });
      fc.pre(problems.length === 0);
      const environment = config.tenants.acme?.env as Record<string, string>;
      expect(runtimeReads(environment)).toEqual(environment);
    }),
    { numRuns: 300 },
  );
}, 30_000);
