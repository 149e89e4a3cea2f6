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

test("functions may load what patterns name, as a module and with its path or version", () => {
  const flows = ["lodash", "lodash@4", "fs/promises", "@acme/x/y@1", "got", "@acmes/z"].map(
    (name) => wanting(name),
  );
  const refused = ["got", "@acmes/z"];
  expect(problemsOf(flows, ["lodash*", "fs", "fs/promises", "@acme/*"])).toEqual(refused);
  const whole = ["lodash@4", "fs/promises", ...refused];
  expect(problemsOf(flows, ["lodash", "fs", "@acme/*"])).toEqual(whole);
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
