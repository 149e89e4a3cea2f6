import { z } from "zod";
import { CONFIRMED_PATTERN, CONFIRMED_RULE } from "./destruction.ts";
import { says } from "./problems.ts";
import { Cluster } from "./sections/cluster.ts";
import { Edge } from "./sections/edge.ts";
import { Registry } from "./sections/modules.ts";
import { MongoDb } from "./sections/mongodb.ts";
import { Target } from "./sections/target.ts";
import { Template } from "./sections/template.ts";
import { Tenant } from "./sections/tenant.ts";
import { Valkey } from "./sections/valkey.ts";
import { Key } from "./sections/values.ts";

/** `redfleet:platform`: everything that one stack declares. Defaults live here and nowhere else. */
export const Platform = z.strictObject({
  domain: z
    .string(says("REDFLEET_CFG_DOMAIN", "a bare DNS name", "write it like redfleet.example.org"))
    .describe("Domain whose sub-domains are the hosts: tenants and clusters are `<key>.<domain>`."),
  dev: z
    .boolean()
    .default(false)
    .describe("Allow what only a trial may do: one MongoDB member, no Sentinels."),
  target: Target,
  edge: Edge.prefault({}).describe("Reverse proxy with TLS."),
  mongodb: MongoDb.prefault({}).describe("Replica set: flows, users, revisions."),
  valkey: Valkey.prefault({}).describe("Servers and Sentinels: shared context, locks."),
  registry: Registry.optional().describe(
    "The npm registry of all runtimes. Default: npm's own. Tenants reach no private addresses, so theirs has a public one.",
  ),
  clusters: z
    .record(Key, Cluster)
    .default({})
    .describe("Clusters by key: one editor and N API replicas each."),
  templates: z.record(Key, Template).default({}).describe("Templates of this stack by key."),
  tenants: z.record(Key, Tenant).default({}).describe("Tenants by key."),
  confirmDestroy: z
    .array(z.string().regex(CONFIRMED_PATTERN, CONFIRMED_RULE))
    .default([])
    .describe(
      "Former tenants, by their keys, and former clusters, as `clusters.<key>`, whose data is to be erased for good: files, database, users, and of a cluster its credential secret and its keys in Valkey. Take an entry out again when it is done: the emptied volumes go with it.",
    ),
});

export type PlatformConfig = z.infer<typeof Platform>;
export type PlatformInput = z.input<typeof Platform>;
