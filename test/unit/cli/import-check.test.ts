import { expect, test } from "vitest";
import type { CliError } from "../../../cli/errors.ts";
import { assertImportable } from "../../../cli/import/check.ts";
import type { FlowNode } from "../../../cli/import/types.ts";

const wanting = (module: string, more: object = {}): FlowNode => ({
  ...{ id: module, type: "function", libs: [{ var: "lib", module }], ...more },
});

/** What an import of such nodes is refused for, where functions may load what the patterns say. */
function problemsOf(flows: FlowNode[], functionModules?: string[]): string[] {
  const found = { system: "a test", flows, credentials: {}, library: [], modules: {}, leftOut: [] };
  const context = { default: "memory", stores: ["memory"] };
  try {
    const types = new Set(["function", "other"]);
    assertImportable(found, { types, functionModules, context });
    return [];
  } catch (error) {
    return ((error as CliError).why ?? "").split("\n").map((line) => line.split('"')[1] ?? "");
  }
}

test("functions may load what a pattern names, whatever path or version they ask for", () => {
  const flows = ["lodash", "lodash@4", "fs/promises", "@acme/x/y@1", "got", "@acmes/z"].map(
    (name) => wanting(name),
  );
  expect(problemsOf(flows, ["lodash", "fs", "@acme/*"])).toEqual(["got", "@acmes/z"]);
  expect(problemsOf(flows, ["*"])).toEqual([]);
  expect(problemsOf(flows)).toEqual([]);
  expect(problemsOf(flows, [])).toEqual(["lodash", "fs", "@acme/x", "got", "@acmes/z"]);
});

test("only functions that run ask for modules", () => {
  const flows = [
    wanting("a", { type: "other" }),
    wanting("b", { d: true }),
    wanting("", { id: "c" }),
  ];
  expect(problemsOf(flows, [])).toEqual([]);
});
