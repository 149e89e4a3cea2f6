import { describe, expect, test } from "vitest";
import { problemsOf, VALID, withSections, withTenant } from "./parse.ts";

/** What is wrong, the platform, and the whole line that people get. */
type Case = [what: string, platform: unknown, line: string];

const renamed = (renamedFrom: string) => ({ template: "nodered-5", renamedFrom });

const STORES: Case[] = [
  [
    "two members",
    withSections({ mongodb: { members: 2 } }),
    "mongodb.members: got 2; an odd number of 3 or more (1 only with dev: true); use 3 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "four members",
    withSections({ mongodb: { members: 4 } }),
    "mongodb.members: got 4; an odd number of 3 or more (1 only with dev: true); use 5 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "one member outside dev",
    withSections({ dev: false, mongodb: { members: 1 } }),
    "mongodb.members: got 1; an odd number of 3 or more (1 only with dev: true); use 3 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "nine members",
    withSections({ mongodb: { members: 9 } }),
    "mongodb.members: got 9; at most 7 voters; use 3, 5 or 7 [REDFLEET_CFG_MEMBERS]",
  ],
  [
    "a small oplog",
    withSections({ mongodb: { oplogMb: 100 } }),
    "mongodb.oplogMb: got 100; an oplog of at least 990 MB; use 990..1000000 [REDFLEET_CFG_VALUE]",
  ],
  [
    "a context store that is not there",
    withSections({ clusters: { main: { context: { default: "redis" } } } }),
    'clusters.main.context.default: got "redis"; memory or shared; use memory [REDFLEET_CFG_VALUE]',
  ],
  [
    "two Sentinels",
    withSections({ valkey: { sentinels: 2 } }),
    "valkey.sentinels: got 2; an odd number of 3 or more (0 only with dev: true and replicas: 0); use 3 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "Sentinels without replicas",
    withSections({ valkey: { replicas: 0 } }),
    "valkey.replicas: got 0; at least 1 replica: with 0 there is nothing to fail over to; use 2 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a quorum above the Sentinels",
    withSections({ valkey: { quorum: 4 } }),
    "valkey.quorum: got 4; between the majority and all Sentinels (2..3); use 2 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a quorum below the majority",
    withSections({ valkey: { quorum: 1 } }),
    "valkey.quorum: got 1; between the majority and all Sentinels (2..3); use 2 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "more replicas to write than there are",
    withSections({ valkey: { minReplicasToWrite: 3 } }),
    "valkey.minReplicasToWrite: got 3; at most the number of replicas (2), or writes would always fail; use 1 [REDFLEET_CFG_SENTINEL]",
  ],
  [
    "a hasty fail-over",
    withSections({ valkey: { downAfterMs: 100 } }),
    "valkey.downAfterMs: got 100; at least 1000 ms; use 1000..600000 [REDFLEET_CFG_SENTINEL]",
  ],
];

const external = (fields: object, more: object = {}) =>
  withSections({ mongodb: { external: fields }, ...more });

const EXTERNAL: Case[] = [
  [
    "a set of one's own and another",
    withSections({ mongodb: { members: 3, external: { uriSecret: "db" } } }),
    "mongodb.members: is about a replica set of the stack's own, and mongodb.external names another; keep one of the two [REDFLEET_CFG_EXTERNAL]",
  ],
  [
    "a database that nobody can reach",
    external({ databases: { "cluster-main": "db", "tenant-acme": "db" } }),
    "mongodb.external.databases.tenant-globex: every database needs a connection string; name the secret with its own, or give mongodb.external.uriSecret [REDFLEET_CFG_EXTERNAL]",
  ],
  [
    "a connection string for nobody",
    external({ uriSecret: "db", databases: { "tenant-akme": "db" } }),
    'mongodb.external.databases.tenant-akme: got "tenant-akme"; no cluster or tenant has this database (cluster-<key>, tenant-<key>); did you mean "tenant-acme"? [REDFLEET_CFG_EXTERNAL]',
  ],
  [
    "a connection string that the stack does not have",
    external({ uriSecret: "dbb" }),
    'mongodb.external.uriSecret: got "dbb"; no such key in redfleet:secrets; did you mean "db"? or: npx pulumi config set --secret --path \'redfleet:secrets.dbb\' [REDFLEET_CFG_SECRET_MISSING]',
  ],
  [
    "an erasure that nobody may do",
    external(
      { databases: { "cluster-main": "db", "tenant-acme": "db", "tenant-globex": "db" } },
      { confirmDestroy: ["old"] },
    ),
    'confirmDestroy: got ["old"]; erasing a database needs a user who may drop it: mongodb.external.uriSecret; name it, or drop the database by hand and take this out [REDFLEET_CFG_EXTERNAL]',
  ],
];

const NAMES: Case[] = [
  [
    "an unknown key with a near one",
    withSections({ clusters: { main: { apiReplicaas: 2 } } }),
    'clusters.main.apiReplicaas: unknown key; did you mean "apiReplicas"? [REDFLEET_CFG_UNKNOWN_KEY]',
  ],
  [
    "a bad tenant key",
    withSections({ tenants: { A_b: { template: "nodered-5" } } }),
    'tenants.A_b: got "A_b"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; use "a-b" [REDFLEET_CFG_NAME]',
  ],
  [
    "a key that starts with a dash",
    withSections({ tenants: { "-x": { template: "nodered-5" } } }),
    'tenants.-x: got "-x"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; use "x" [REDFLEET_CFG_NAME]',
  ],
  [
    "a reserved tenant",
    withSections({ tenants: { admin: { template: "nodered-5" } } }),
    'tenants.admin: got "admin"; reserved for the platform; choose another name, or set host [REDFLEET_CFG_RESERVED_NAME]',
  ],
  [
    "an alias that is a tenant",
    withSections({
      tenants: {
        acme: { template: "nodered-5", aliases: ["globex"] },
        globex: { template: "nodered-5" },
      },
    }),
    'tenants.acme.aliases.0: got "globex"; globex.fleet.example.org is already used at tenants.globex; choose another name [REDFLEET_CFG_HOST_TAKEN]',
  ],
  [
    "an alias twice",
    withTenant({ aliases: ["shop", "shop"] }),
    'tenants.acme.aliases.1: got "shop"; shop.fleet.example.org is already used at tenants.acme.aliases.0; choose another name [REDFLEET_CFG_HOST_TAKEN]',
  ],
  [
    "a tenant with a cluster's name",
    withSections({ tenants: { main: { template: "nodered-5" } } }),
    'tenants.main: got "main"; main.fleet.example.org is already used at clusters.main; choose another name [REDFLEET_CFG_HOST_TAKEN]',
  ],
  [
    "a host label of 64 characters",
    withTenant({ host: "x".repeat(64) }),
    `tenants.acme.host: got "${"x".repeat(56)}...; at most 63 characters, too long by 1; choose a shorter name [REDFLEET_CFG_HOST_LENGTH]`,
  ],
  [
    "a wildcard domain",
    withSections({ domain: "*.com" }),
    'domain: got "*.com"; a bare DNS name in lower case: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
  [
    "a domain with scheme",
    withSections({ domain: "https://fleet.example.org" }),
    'domain: got "https://fleet.example.org"; a bare DNS name in lower case: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
  [
    "an address as domain",
    withSections({ domain: "10.0.0.1" }),
    'domain: got "10.0.0.1"; a bare DNS name in lower case: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
];

const ENVIRONMENT: Case[] = [
  [
    "a variable that starts with a digit",
    withTenant({ env: { "1A": "x" } }),
    'tenants.acme.env.1A: got "1A"; must match ^[A-Za-z_][A-Za-z0-9_]*$; rename it [REDFLEET_CFG_ENV_NAME]',
  ],
  [
    "a variable with a dash",
    withTenant({ env: { "A-B": "x" } }),
    'tenants.acme.env.A-B: got "A-B"; must match ^[A-Za-z_][A-Za-z0-9_]*$; rename it [REDFLEET_CFG_ENV_NAME]',
  ],
  [
    "a reserved variable",
    withTenant({ env: { NODE_OPTIONS: "--inspect" } }),
    'tenants.acme.env.NODE_OPTIONS: got "NODE_OPTIONS"; set by the platform; set memory; the heap follows it [REDFLEET_CFG_ENV_RESERVED]',
  ],
  [
    "a reserved prefix, in any case",
    withTenant({ env: { npm_config_registry: "x" } }),
    'tenants.acme.env.npm_config_registry: got "npm_config_registry"; set by the platform; choose another name [REDFLEET_CFG_ENV_RESERVED]',
  ],
  ...["USER", "hostname", "NODE_DEBUG", "LD_AUDIT", "TZDIR"].map(
    (name): Case => [
      `the reserved variable ${name}`,
      withTenant({ env: { [name]: "x" } }),
      `tenants.acme.env.${name}: got "${name}"; set by the platform; choose another name [REDFLEET_CFG_ENV_RESERVED]`,
    ],
  ),
  [
    "a secret in clear",
    withTenant({ env: { API_TOKEN: "hunter2" } }),
    "tenants.acme.env.API_TOKEN: a secret does not stand in clear; put it into redfleet:secrets and name it in tenants.acme.secretEnv.API_TOKEN [REDFLEET_CFG_INLINE_SECRET]",
  ],
  [
    "a secret that is not there",
    withTenant({ secretEnv: { TOKEN: "acme" } }),
    "tenants.acme.secretEnv.TOKEN: got \"acme\"; no such key in redfleet:secrets; npx pulumi config set --secret --path 'redfleet:secrets.acme' [REDFLEET_CFG_SECRET_MISSING]",
  ],
];

const cluster = (fields: object) => ({ clusters: { main: fields } });
const SMALL_TEMPLATE = { templates: { odd: { nodeRed: 5, memory: { min: "64 MB" } } } };

const LIMITS: Case[] = [
  [
    "no CPU",
    withTenant({ cpus: 0 }),
    "tenants.acme.cpus: got 0; a number of CPUs above 0 with at most 3 decimals; write it like 0.5 or 2 [REDFLEET_CFG_CPUS]",
  ],
  [
    "CPUs in words",
    withTenant({ cpus: "abc" }),
    'tenants.acme.cpus: got "abc"; a number of CPUs above 0 with at most 3 decimals; write it like 0.5 or 2 [REDFLEET_CFG_CPUS]',
  ],
  [
    "more CPUs than the template allows",
    withTenant({ cpus: 8 }),
    'tenants.acme.cpus: got "8"; 0.1..2 in template nodered-5; use 2, or a template with other bounds [REDFLEET_CFG_CPUS]',
  ],
  [
    "memory without unit",
    withTenant({ memory: 512 }),
    'tenants.acme.memory: got 512; a size with a unit, whole megabytes; write it like "512 MB" or "1.5 GB" [REDFLEET_CFG_MEMORY]',
  ],
  [
    "less memory than the template allows",
    withTenant({ memory: "64 MB" }),
    'tenants.acme.memory: got "64 MB"; 128 MB..1 GB in template nodered-5; use 128 MB, or a template with other bounds [REDFLEET_CFG_MEMORY]',
  ],
  ...(
    [
      ["edge.memory", { edge: { memory: "63 MB" } }, "63 MB", "64 MB"],
      ["edge.agentMemory", { edge: { agentMemory: "64 MB" } }, "64 MB", "96 MB"],
      ["valkey.memory", { valkey: { memory: "8 MB" } }, "8 MB", "32 MB"],
      ["valkey.sentinelMemory", { valkey: { sentinelMemory: "8 MB" } }, "8 MB", "32 MB"],
      ["clusters.main.editorMemory", cluster({ editorMemory: "64 MB" }), "64 MB", "128 MB"],
      ["clusters.main.replicaMemory", cluster({ replicaMemory: "1 MB" }), "1 MB", "128 MB"],
      ["templates.odd.memory.min", SMALL_TEMPLATE, "64 MB", "128 MB"],
    ] as const
  ).map(
    ([path, sections, got, least]): Case => [
      `too little at ${path}`,
      withSections(sections),
      `${path}: got "${got}"; at least ${least}, or it does not start; use ${least} or more [REDFLEET_CFG_MEMORY]`,
    ],
  ),
  [
    "no time to drain",
    withSections(cluster({ drainSeconds: 1 })),
    "clusters.main.drainSeconds: got 1; 2..8 seconds: the edge needs them to look away; use 2..8 [REDFLEET_CFG_VALUE]",
  ],
  [
    "limits above what the host gives",
    withSections({ target: { kind: "docker", memory: "2 GB" } }),
    'target.memory: got "2 GB"; the limits add up to 3920 MB, short by 1872 MB; raise it, lower limits, or set target.overcommit: true [REDFLEET_CFG_CAPACITY]',
  ],
  [
    "an unknown template",
    withTenant({ template: "nodered5" }),
    'tenants.acme.template: got "nodered5"; no such template; there are nodered-4, nodered-5; did you mean "nodered-5"? [REDFLEET_CFG_TEMPLATE]',
  ],
  [
    "a template by the name of what every object has",
    withTenant({ template: "constructor" }),
    'tenants.acme.template: got "constructor"; no such template; there are nodered-4, nodered-5; use one of nodered-4, nodered-5 [REDFLEET_CFG_TEMPLATE]',
  ],
  [
    "a template that contradicts itself",
    withSections({ templates: { odd: { nodeRed: 5, memory: { default: "64 MB" } } } }),
    'templates.odd.memory: got {"min":128,"default":64,"max":1024}; min <= default <= max; reorder them [REDFLEET_CFG_TEMPLATE]',
  ],
  [
    "no replica",
    withSections({ clusters: { main: { apiReplicas: 0 } } }),
    "clusters.main.apiReplicas: got 0; at least one replica, at most 50; use 1..50 [REDFLEET_CFG_REPLICAS]",
  ],
];

const EDGE: Case[] = [
  [
    "port 0",
    withSections({ edge: { https: 0 } }),
    "edge.https: got 0; a port, 1..65535; choose a free port of the host [REDFLEET_CFG_PORT]",
  ],
  [
    "port 70000",
    withSections({ edge: { http: 70000 } }),
    "edge.http: got 70000; a port, 1..65535; choose a free port of the host [REDFLEET_CFG_PORT]",
  ],
  [
    "less than no connection",
    withSections({ edge: { connectionsPerSource: -1 } }),
    "edge.connectionsPerSource: got -1; connections per client address; use 0..30000 [REDFLEET_CFG_VALUE]",
  ],
  [
    "one port twice",
    withSections({ edge: { http: 443 } }),
    "edge.http: got 443; already used at edge.https; use two different ports [REDFLEET_CFG_PORT]",
  ],
  [
    "a certificate that is not there",
    withSections({ edge: { tls: { mode: "files", certificate: "no.crt", key: "no.key" } } }),
    'edge.tls.certificate: got "no.crt"; a readable PEM file; check the path [REDFLEET_CFG_TLS]',
  ],
  [
    "another kind of TLS",
    withSections({ edge: { tls: { mode: "acme" } } }),
    'edge.tls.mode: got "acme"; mode "ownCa" or "files"; use {mode: ownCa} or {mode: files, certificate: ..., key: ...} [REDFLEET_CFG_TLS]',
  ],
  [
    "a prefix of the editor",
    withSections({ clusters: { main: { apiPrefix: "/comms" } } }),
    'clusters.main.apiPrefix: got "/comms"; taken by the platform; use /red-nodes [REDFLEET_CFG_PATH_PREFIX]',
  ],
  ...["/credentials", "/icons/api", "/Theme", "/core", "/diagnostics", "/inject"].map(
    (apiPrefix): Case => [
      `the editor's own path ${apiPrefix}`,
      withSections({ clusters: { main: { apiPrefix } } }),
      `clusters.main.apiPrefix: got "${apiPrefix}"; taken by the platform; use /red-nodes [REDFLEET_CFG_PATH_PREFIX]`,
    ],
  ),
  [
    "a prefix that ends with a slash",
    withSections({ clusters: { main: { apiPrefix: "/api/" } } }),
    'clusters.main.apiPrefix: got "/api/"; one or more path segments, no slash at the end; use /red-nodes [REDFLEET_CFG_PATH_PREFIX]',
  ],
  [
    "a public subnet",
    withSections({ target: { kind: "docker", subnet: "8.8.8.0/24" } }),
    'target.subnet: got "8.8.8.0/24"; a private IPv4 /24 such as 10.80.1.0/24; choose one that nothing on the host uses [REDFLEET_CFG_SUBNET]',
  ],
  [
    "an impossible mask",
    withSections({ target: { kind: "docker", subnet: "10.1.2.0/33" } }),
    'target.subnet: got "10.1.2.0/33"; a private IPv4 /24 such as 10.80.1.0/24; choose one that nothing on the host uses [REDFLEET_CFG_SUBNET]',
  ],
  [
    "a target that does not exist",
    withSections({ target: { kind: "nomad" } }),
    'target.kind: got "nomad"; one of "docker"; choose one of them [REDFLEET_CFG_VALUE]',
  ],
  [
    "the destruction of a tenant that runs",
    withSections({ confirmDestroy: ["acme"] }),
    'confirmDestroy.0: got "acme"; its data belongs to tenants.acme, which is declared; remove tenants.acme as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "the destruction of a cluster that runs",
    withSections({ clusters: { main: {} }, confirmDestroy: ["clusters.main"] }),
    'confirmDestroy.0: got "clusters.main"; its data belongs to clusters.main, which is declared; remove clusters.main as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "the destruction of a cluster that runs under another key",
    withSections({ clusters: { hub: { renamedFrom: "main" } }, confirmDestroy: ["clusters.main"] }),
    'confirmDestroy.0: got "clusters.main"; its data belongs to clusters.hub, which is declared; remove clusters.hub as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "the destruction of what is neither tenant nor cluster",
    withSections({ confirmDestroy: ["tenants.old"] }),
    'confirmDestroy.0: got "tenants.old"; a tenant\'s key or clusters.<key>: lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; name a tenant or a cluster [REDFLEET_CFG_NAME]',
  ],
  [
    "a cluster's protection, which earlier versions had",
    withSections({ clusters: { main: { protect: false } } }),
    "clusters.main.protect: unknown key; remove it: the secret stays with the cluster's data until confirmDestroy erases both [REDFLEET_CFG_UNKNOWN_KEY]",
  ],
  [
    "a destruction that is confirmed twice",
    withSections({ confirmDestroy: ["old", "old"] }),
    'confirmDestroy.1: got "old"; already at confirmDestroy.0; remove one of them [REDFLEET_CFG_DESTROY]',
  ],
  [
    "a rename while the old key is still there",
    withSections({ tenants: { ...VALID.tenants, shop: renamed("acme") } }),
    'tenants.shop.renamedFrom: got "acme"; tenants.acme is still declared; remove tenants.acme [REDFLEET_CFG_RENAME]',
  ],
  [
    "a chain of renames",
    withSections({ tenants: { shop: renamed("acme"), store: renamed("shop") } }),
    'tenants.store.renamedFrom: got "shop"; tenants.shop is still declared, and was acme at first; remove tenants.shop and write acme [REDFLEET_CFG_RENAME]',
  ],
  [
    "two tenants that were one",
    withSections({ tenants: { a: renamed("acme"), b: renamed("acme") } }),
    'tenants.b.renamedFrom: got "acme"; tenants.a was renamed from it already; remove one of the two [REDFLEET_CFG_RENAME]',
  ],
  [
    "a rename to the same",
    withTenant({ renamedFrom: "acme" }),
    'tenants.acme.renamedFrom: got "acme"; it is the key that it has; leave renamedFrom out [REDFLEET_CFG_RENAME]',
  ],
  [
    "a rename from what can be no key",
    withSections({ clusters: { hub: { renamedFrom: "Main_1" } } }),
    'clusters.hub.renamedFrom: got "Main_1"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; write the key that it had at first [REDFLEET_CFG_RENAME]',
  ],
  [
    "the destruction of a tenant that runs under another key",
    withSections({ tenants: { shop: renamed("acme") }, confirmDestroy: ["acme"] }),
    'confirmDestroy.0: got "acme"; its data belongs to tenants.shop, which is declared; remove tenants.shop as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "no domain",
    { ...VALID, domain: undefined },
    "domain: required (string); write it like redfleet.example.org [REDFLEET_CFG_MISSING]",
  ],
  [
    "a tenant without template",
    withSections({ tenants: { acme: {} } }),
    "tenants.acme.template: required (string); add it [REDFLEET_CFG_MISSING]",
  ],
];

describe.each([
  ["stores", STORES],
  ["names and hosts", NAMES],
  ["environment", ENVIRONMENT],
  ["limits", LIMITS],
  ["edge and target", EDGE],
])("bad input: %s", (_, cases) => {
  test.each(cases)("%s", (_what, platform, line) => {
    expect(problemsOf(platform)).toContain(line);
  });
});

test.each(EXTERNAL)("bad input: external stores: %s", (_what, platform, line) => {
  expect(problemsOf(platform, ["db"])).toEqual([line]);
});

test("a valid configuration has no problems", () => {
  expect(problemsOf(VALID)).toEqual([]);
});

test("one bad value makes one problem", () => {
  const single = [...STORES, ...NAMES, ...ENVIRONMENT, ...LIMITS].map(([, platform]) => platform);
  for (const platform of single) expect(problemsOf(platform)).toHaveLength(1);
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
