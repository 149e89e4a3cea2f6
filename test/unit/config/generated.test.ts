import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { staleFiles } from "../../../config/generate.ts";
import { stackFileSchema } from "../../../config/json-schema.ts";

test("generated files are those of the schema: run `npm run generate`", () => {
  expect(staleFiles()).toEqual([]);
});

const validate = new Ajv({ strict: false, validateFormats: false }).compile(stackFileSchema());

test.each([
  "Pulumi.dev.yaml",
  ...readdirSync("config/stacks").map((file) => `config/stacks/${file}`),
])("editors accept %s", (file) => {
  validate(parse(readFileSync(file, "utf8")));
  expect(validate.errors).toBeNull();
});

test("editors refuse a typo, and a tenant without template", () => {
  const platform = { domain: "a.b", tenants: { acme: { templat: "nodered-5" } } };
  expect(validate({ config: { "redfleet:platform": platform } })).toBe(false);
});
