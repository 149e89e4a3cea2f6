import { expect, test } from "vitest";
import { assertChecked, operationOf } from "../../../cli/pulumi/operation.ts";

const BROKEN = `config:
  redfleet:platform:
    domain: fleet.example.org
    mongodb: { members: 2 }
    tenants:
      acme: { template: nodered-5 }
      acme: { template: nodered-5 }
`;

test.each([
  [["up", "--yes"], "up"],
  [["-s", "dev", "update"], "up"],
  [["--stack", "up", "preview"], "preview"],
  [["--stack=dev", "pre"], "preview"],
  [["refresh"], "refresh"],
  [["down"], "destroy"],
  [["destroy", "--help"], undefined],
  [["stack", "output", "up"], undefined],
  [["config", "set", "up"], undefined],
  [[], undefined],
])("what %j does to a platform", (args, operation) => {
  expect(operationOf(args)).toBe(operation);
});

test.each(["preview", "up", "refresh", "destroy"])("%s names every problem first", (operation) => {
  expect(() => assertChecked([operation, "--yes"], "dev", BROKEN)).toThrow(
    [
      "2 problems in Pulumi.dev.yaml:",
      "  mongodb.members: got 2; an odd number of 3 or more (1 only with dev: true); use 3 [REDFLEET_CFG_MEMBERS]",
      "  tenants.acme (line 7): got acme; a key stands once: first at line 6, again at line 7; remove one of them [REDFLEET_CFG_DUPLICATE_KEY]",
    ].join("\n"),
  );
});

test("what is not about this stack file goes to Pulumi as it is", () => {
  const pass = (args: string[], text: string | undefined = BROKEN) =>
    expect(() => assertChecked(args, "dev", text)).not.toThrow();
  pass(["config", "set", "redfleet:platform.mongodb.members", "3", "--path"]);
  pass(["up", "--help"]);
  pass(["up", "--config-file=other.yaml"]);
  expect(() => assertChecked(["destroy"], "dev", undefined)).not.toThrow();
});
