import { expect, test } from "vitest";
import { problemsOf, VALID, withSections, withTenant } from "../parse.ts";

test("a valid configuration has no problems", () => {
  expect(problemsOf(VALID)).toEqual([]);
});

test("everything that is wrong is said at once, across all sections", () => {
  const platform = {
    domian: "fleet.example.org",
    mongodb: { members: 2 },
    valkey: { quorum: 9 },
    edge: { https: 0 },
    clusters: { main: { apiReplicas: 0, apiPrefix: "/auth" } },
    tenants: {
      A_b: { template: "nope", memory: 512, env: { PATH: "x" }, state: "off" },
      acme: { template: "nodered-5", aliases: ["www"] },
    },
  };
  expect(problemsOf(platform).map((line) => line.split(":", 1)[0])).toEqual([
    "clusters.main.apiPrefix",
    "clusters.main.apiReplicas",
    "domain",
    "domian",
    "edge.https",
    "mongodb.members",
    "tenants.A_b",
    "tenants.A_b.env.PATH",
    "tenants.A_b.memory",
    "tenants.A_b.state",
    "tenants.A_b.template",
    "tenants.acme.aliases.0",
    "valkey.quorum",
  ]);
});

test("names that every object has are names like any other", () => {
  const secretEnv = { toString: "api", constructor: "api" };
  const acme = { template: "constructor", secretEnv };
  const platform = withSections({
    templates: { constructor: { nodeRed: 5 } },
    tenants: { acme },
    confirmDestroy: ["constructor"],
  });
  expect(problemsOf(platform, ["api"])).toEqual([]);
});

test("a secret's value is never repeated", () => {
  expect(problemsOf(withTenant({ env: { API_TOKEN: "hunter2" } })).join()).not.toContain("hunter2");
});

test("a stack name that would clash with another stack's objects", () => {
  expect(problemsOf(VALID, [], "dev-tenant")).toEqual([
    '(stack): got "dev-tenant"; no word of it may be "tenant"; choose another stack name [REDFLEET_CFG_STACK_NAME]',
  ]);
});
