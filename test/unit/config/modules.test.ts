import { expect, test } from "vitest";
import { parsePlatform } from "../../../config/parse.ts";
import { allTemplates, tenantModules } from "../../../config/templates.ts";
import { problemsOf, withSections, withTenant } from "./parse.ts";

const SPEC =
  "name@exact-version only; write it like node-red-contrib-example@1.2.3 or @scope/name@1.2.3 [REDFLEET_CFG_MODULE]";

test.each([
  "pkg; rm -rf /",
  "$(x)",
  "--registry=https://evil.example",
  "-g",
  "file:../pkg",
  "git+ssh://git@example.org/x.git",
  "../pkg",
  "*",
  "pkg",
  "pkg@latest",
  "pkg@^1.0.0",
  "pkg@npm:other@1.0.0",
  "pkg@1.0",
  "@scope@1.0.0",
  "https://example.org/x.tgz",
])("no exact package: %s", (spec) => {
  expect(problemsOf(withTenant({ modules: [spec] }))).toEqual([
    `tenants.acme.modules.0: got ${JSON.stringify(spec)}; ${SPEC}`,
  ]);
});

test.each(["node-red-contrib-x@1.2.3", "@acme/nodes@0.1.0-beta.1", "x@1.0.0+build.5"])(
  "an exact package: %s",
  (spec) => expect(problemsOf(withTenant({ modules: [spec] }))).toEqual([]),
);

test("a package twice", () => {
  expect(problemsOf(withTenant({ modules: ["@a/x@1.0.0", "@a/x@2.0.0"] }))).toEqual([
    'tenants.acme.modules.1: got "@a/x@2.0.0"; already at tenants.acme.modules.0; keep one of them [REDFLEET_CFG_MODULE]',
  ]);
});

test("patterns that are none", () => {
  const clusters = { main: { palette: { allow: ["a b"] }, functionModules: ["x,y"] } };
  const rule =
    "a package name, * in it stands for anything; write it like @acme/* or node-red-contrib-* [REDFLEET_CFG_MODULE]";
  expect(problemsOf(withSections({ clusters }))).toEqual([
    `clusters.main.functionModules.0: got "x,y"; ${rule}`,
    `clusters.main.palette.allow.0: got "a b"; ${rule}`,
  ]);
});

test("a dangerous node that there is not", () => {
  expect(problemsOf(withTenant({ allowNodes: ["shell"] }))).toEqual([
    'tenants.acme.allowNodes.0: got "shell"; one of "exec", "file", "watch", "tcp", "udp"; choose one of them [REDFLEET_CFG_VALUE]',
  ]);
});

test.each(["ftp://npm.example.org", "https://npm.example.org/?a=b", "npm.example.org"])(
  "no registry: %s",
  (url) => {
    expect(problemsOf(withSections({ registry: { url } }))).toEqual([
      `registry.url: got ${JSON.stringify(url)}; an http(s) URL without user, password or query; write it like https://npm.example.org/ [REDFLEET_CFG_REGISTRY]`,
    ]);
  },
);

test("a registry whose files and secrets are not there", () => {
  const registry = { url: "http://npm.example.org", ca: "no-such-file.pem", tokenSecret: "npm" };
  expect(problemsOf(withSections({ registry }), ["other"])).toEqual([
    'registry.ca: got "no-such-file.pem"; a readable PEM file; check the path [REDFLEET_CFG_REGISTRY]',
    'registry.tokenSecret: got "npm"; a token travels over https only; use an https URL for the registry, or no token [REDFLEET_CFG_REGISTRY]',
    "registry.tokenSecret: got \"npm\"; no such key in redfleet:secrets; use one of other or: npx pulumi config set --secret --path 'redfleet:secrets.npm' --stack dev [REDFLEET_CFG_SECRET_MISSING]",
  ]);
});

test("an authority that is not named", () => {
  const registry = { url: "https://npm.example.org", ca: "" };
  expect(problemsOf(withSections({ registry }))).toEqual([
    'registry.ca: got ""; the path of a PEM file; name the file [REDFLEET_CFG_REGISTRY]',
  ]);
});

test("an authority that is no certificate", () => {
  const registry = { url: "https://npm.example.org", ca: "package.json" };
  expect(problemsOf(withSections({ registry }))).toEqual([
    'registry.ca: got "package.json"; a PEM certificate; convert it to PEM [REDFLEET_CFG_REGISTRY]',
  ]);
});

test("a tenant's word counts before its template's, and modules add up", () => {
  const templates = {
    own: {
      nodeRed: 5,
      modules: ["a@1.0.0", "b@1.0.0"],
      palette: { allow: ["@acme/*"], deny: ["@acme/bad"] },
      allowNodes: ["exec"],
    },
  };
  const tenants = { acme: { template: "own", modules: ["b@2.0.0"], allowNodes: [] } };
  const { config } = parsePlatform(withSections({ templates, tenants }), {
    ...{ stack: "dev", secretNames: [] },
  });
  const { acme } = config.tenants;
  const { own } = allTemplates(config);
  if (!acme || !own) throw new Error("no tenant, or no template");
  expect(tenantModules(acme, own)).toEqual({
    modules: ["a@1.0.0", "b@2.0.0"],
    palette: { allow: ["@acme/*"], deny: ["@acme/bad"], scripts: false },
    functionModules: [],
    allowNodes: [],
  });
});
