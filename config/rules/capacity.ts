import type { Problem } from "../errors.ts";
import { own } from "../own.ts";
import type { PlatformConfig } from "../schema.ts";
import { allTemplates, tenantLimits } from "../templates.ts";
import { formatMemory } from "../units.ts";
import { problem, type Rule } from "./rule.ts";

/** The limits of everything that runs fit into `target.memory`, where it is given. */
export const capacityRules: Rule = (config): Problem[] => {
  const { memory, overcommit } = config.target;
  const sum = sumOfLimits(config);
  if (memory === undefined || overcommit || sum <= memory) return [];
  const rule = `the limits add up to ${formatMemory(sum)}, short by ${formatMemory(sum - memory)}`;
  const fix = "raise it, lower limits, or set target.overcommit: true";
  return [problem("REDFLEET_CFG_CAPACITY", "target.memory", formatMemory(memory), rule, fix)];
};

/** Megabytes that the running parts may use together. */
export function sumOfLimits(config: PlatformConfig): number {
  const { edge, mongodb, valkey } = config;
  const platform =
    (mongodb.external === undefined ? mongodb.members * mongodb.memory : 0) +
    (valkey.external === undefined ? sharedStore(valkey) : 0) +
    edge.memory +
    edge.agentMemory;
  return platform + clusters(config) + tenants(config);
}

function sharedStore(valkey: PlatformConfig["valkey"]): number {
  return (valkey.replicas + 1) * valkey.memory + valkey.sentinels * valkey.sentinelMemory;
}

function clusters(config: PlatformConfig): number {
  const sums = Object.values(config.clusters).map(
    ({ apiReplicas, editorMemory, replicaMemory }) => editorMemory + apiReplicas * replicaMemory,
  );
  return sums.reduce((a, b) => a + b, 0);
}

function tenants(config: PlatformConfig): number {
  const templates = allTemplates(config);
  const sums = Object.values(config.tenants).map((tenant) => {
    const template = own(templates, tenant.template);
    if (template === undefined || tenant.state === "stopped") return 0;
    return tenantLimits(tenant, template).memory;
  });
  return sums.reduce((a, b) => a + b, 0);
}
