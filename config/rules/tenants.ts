import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { didYouMean } from "../hints.ts";
import { own } from "../own.ts";
import type { TemplateConfig } from "../sections/template.ts";
import type { TenantConfig } from "../sections/tenant.ts";
import { allTemplates } from "../templates.ts";
import { formatMemory } from "../units.ts";
import { problem, type Rule } from "./rule.ts";

/** Templates exist and hold together, limits stay inside them. */
export const tenantRules: Rule = (config) => {
  const templates = allTemplates(config);
  return [
    ...sortedEntries(config.templates).flatMap(([key, template]) => bounds(key, template)),
    ...sortedEntries(config.tenants).flatMap(([key, tenant]) => limits(key, tenant, templates)),
  ];
};

function bounds(key: string, { memory, cpus }: TemplateConfig): Problem[] {
  const ranges = { memory, cpus };
  return Object.entries(ranges).flatMap(([name, { min, max, default: usual }]) => {
    if (min <= usual && usual <= max) return [];
    const got = { min, default: usual, max };
    const path = `templates.${key}.${name}`;
    return [problem("REDFLEET_CFG_TEMPLATE", path, got, "min <= default <= max", "reorder them")];
  });
}

function limits(
  key: string,
  tenant: TenantConfig,
  templates: Readonly<Record<string, TemplateConfig>>,
): Problem[] {
  const template = own(templates, tenant.template);
  const path = `tenants.${key}`;
  if (template === undefined) {
    const names = Object.keys(templates);
    const rule = `no such template; there are ${names.sort().join(", ")}`;
    const fix = didYouMean(tenant.template, names);
    return [problem("REDFLEET_CFG_TEMPLATE", `${path}.template`, tenant.template, rule, fix)];
  }
  return [
    ...within("REDFLEET_CFG_MEMORY", `${path}.memory`, tenant.memory, template.memory, tenant),
    ...within("REDFLEET_CFG_CPUS", `${path}.cpus`, tenant.cpus, template.cpus, tenant),
  ];
}

function within(
  code: "REDFLEET_CFG_MEMORY" | "REDFLEET_CFG_CPUS",
  path: string,
  value: number | undefined,
  { min, max }: { min: number; max: number },
  { template }: TenantConfig,
): Problem[] {
  if (value === undefined || (value >= min && value <= max)) return [];
  const text = code === "REDFLEET_CFG_MEMORY" ? formatMemory : String;
  const rule = `${text(min)}..${text(max)} in template ${template}`;
  const fix = `use ${text(value < min ? min : max)}, or a template with other bounds`;
  return [problem(code, path, text(value), rule, fix)];
}
