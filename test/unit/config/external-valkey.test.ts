import { expect, test } from "vitest";
import { problemsOf, withSections } from "./parse.ts";

const external = (fields: object, more: object = {}) =>
  withSections({ valkey: { external: fields, ...more } });

test.each([
  [
    "servers of one's own and another's",
    external({ urlSecret: "cache" }, { replicas: 2 }),
    "valkey.replicas: is about servers of the stack's own, and valkey.external names another; keep one of the two [REDFLEET_CFG_EXTERNAL]",
  ],
  [
    "a cluster that has no way to it",
    external({}),
    "valkey.external.clusters.main: every cluster needs a connection string; name the secret with its own, or give valkey.external.urlSecret [REDFLEET_CFG_EXTERNAL]",
  ],
  [
    "a connection string for nobody",
    external({ urlSecret: "cache", clusters: { mian: "cache" } }),
    'valkey.external.clusters.mian: got "mian"; there is no such cluster; did you mean "main"? [REDFLEET_CFG_EXTERNAL]',
  ],
  [
    "a connection string that the stack does not have",
    external({ urlSecret: "cahce" }),
    'valkey.external.urlSecret: got "cahce"; no such key in redfleet:secrets; did you mean "cache"? or: npx pulumi config set --secret --path \'redfleet:secrets.cahce\' --stack dev [REDFLEET_CFG_SECRET_MISSING]',
  ],
  [
    "an authority that the stack does not have",
    external({ clusters: { main: "cache" }, caSecret: "authority" }),
    "valkey.external.caSecret: got \"authority\"; no such key in redfleet:secrets; use one of cache or: npx pulumi config set --secret --path 'redfleet:secrets.authority' --stack dev [REDFLEET_CFG_SECRET_MISSING]",
  ],
  [
    "more copies than a save can wait for",
    external({ urlSecret: "cache", waitReplicas: 9 }),
    "valkey.external.waitReplicas: got 9; 0..5 replicas; use 0..5 [REDFLEET_CFG_VALUE]",
  ],
])("%s is refused", (_, platform, line) => {
  expect(problemsOf(platform, ["cache"])).toEqual([line]);
});

test("one connection string for all clusters, or one for each, is enough", () => {
  expect(problemsOf(external({ urlSecret: "cache" }), ["cache"])).toEqual([]);
  expect(problemsOf(external({ clusters: { main: "cache" } }), ["cache"])).toEqual([]);
});
