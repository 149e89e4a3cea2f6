import { badInput, type Case, withSections, withTenant } from "../parse.ts";

const cluster = (fields: object) => ({ clusters: { main: fields } });
const SMALL_TEMPLATE = { templates: { odd: { nodeRed: 5, memory: { min: "64 MB" } } } };

badInput([
  [
    "a version of Node-RED that there is none of",
    withSections({ clusters: { main: { nodeRed: 3 } } }),
    "clusters.main.nodeRed: got 3; one of 5, 4; choose one of them [REDFLEET_CFG_VALUE]",
  ],
  [
    "a template of such a version: the newest is offered",
    withTenant({ template: "nodered-9" }),
    'tenants.acme.template: got "nodered-9"; no such template; there are nodered-4, nodered-5; did you mean "nodered-5"? [REDFLEET_CFG_TEMPLATE]',
  ],
  [
    "no CPU",
    withTenant({ cpus: 0 }),
    "tenants.acme.cpus: got 0; a number of CPUs above 0 with at most 3 decimals; write it like 0.5 or 2 [REDFLEET_CFG_CPUS]",
  ],
  [
    "less than no CPU",
    withTenant({ cpus: -1 }),
    "tenants.acme.cpus: got -1; a number of CPUs above 0 with at most 3 decimals; write it like 0.5 or 2 [REDFLEET_CFG_CPUS]",
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
    "more memory than the template allows",
    withTenant({ memory: "8 GB" }),
    'tenants.acme.memory: got "8 GB"; 128 MB..1 GB in template nodered-5; use 1 GB, or a template with other bounds [REDFLEET_CFG_MEMORY]',
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
  ...[0, 61, 1.5, "10 s"].map(
    (timeoutSeconds): Case => [
      `a time of ${timeoutSeconds} for the shared context`,
      withSections(cluster({ context: { timeoutSeconds } })),
      `clusters.main.context.timeoutSeconds: got ${JSON.stringify(timeoutSeconds)}; 1..60 seconds until an operation is given up; use 1..60 [REDFLEET_CFG_VALUE]`,
    ],
  ),
  [
    "a title of 81 characters",
    withTenant({ displayName: "x".repeat(81) }),
    `tenants.acme.displayName: got "${"x".repeat(56)}...; at most 80 characters; change it [REDFLEET_CFG_VALUE]`,
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
]);
