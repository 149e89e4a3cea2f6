import { moduleName } from "../images/node-red/runtime/environment.ts";
import type { PlatformConfig } from "./schema.ts";
import type { ModuleConfig } from "./sections/modules.ts";
import { SHIPPED_TEMPLATES, Template, type TemplateConfig } from "./sections/template.ts";
import type { TenantConfig } from "./sections/tenant.ts";

/** The templates of a stack: the shipped ones, and its own, which win. */
export function allTemplates(config: PlatformConfig): Record<string, TemplateConfig> {
  const shipped = Object.entries(SHIPPED_TEMPLATES).map(([key, template]) => [
    key,
    Template.parse(template),
  ]);
  return { ...Object.fromEntries(shipped), ...config.templates };
}

/** A tenant's limits: its own where given, the template's otherwise. */
export function tenantLimits(tenant: TenantConfig, template: TemplateConfig) {
  return {
    memory: tenant.memory ?? template.memory.default,
    cpus: tenant.cpus ?? template.cpus.default,
    pids: template.pids,
  };
}

/** What a tenant may install and load: its own word where given, the template's otherwise. */
export function tenantModules(tenant: TenantConfig, template: TemplateConfig): ModuleConfig {
  const own = new Set(tenant.modules.map(moduleName));
  return {
    modules: [...template.modules.filter((spec) => !own.has(moduleName(spec))), ...tenant.modules],
    palette: tenant.palette ?? template.palette,
    functionModules: tenant.functionModules ?? template.functionModules,
    allowNodes: tenant.allowNodes ?? template.allowNodes,
  };
}
