import type { ModuleConfig, RegistryConfig } from "../../config/sections/modules.ts";
import { DANGEROUS_NODES } from "../../images/node-red/runtime/environment.ts";

/** The environment of a runtime that says what it may install and load, and from where. */
export function moduleEnvironment(config: ModuleConfig, registry: RegistryConfig | undefined) {
  const { modules, palette, functionModules, allowNodes } = config;
  return {
    REDFLEET_MODULES: listed(modules),
    REDFLEET_PALETTE_ALLOW: listed(palette.allow),
    REDFLEET_PALETTE_DENY: listed(palette.deny),
    REDFLEET_NPM_SCRIPTS: palette.scripts ? ("true" as const) : undefined,
    REDFLEET_FUNCTION_MODULES: listed(functionModules),
    REDFLEET_NODES_EXCLUDES: excludes(allowNodes),
    REDFLEET_NPM_REGISTRY: registry?.url,
    REDFLEET_NPM_CA_FILE: registry?.ca && "/run/redfleet/npm-ca.pem",
    REDFLEET_NPM_TOKEN_FILE: registry?.tokenSecret && "/run/redfleet/npm-token",
  };
}

/** Nothing where there is nothing to say: the environment does not grow with every key. */
function listed(entries: readonly string[]): string | undefined {
  return entries.length === 0 ? undefined : entries.join(",");
}

function excludes(allowed: readonly string[]): string | undefined {
  if (allowed.length === 0) return undefined;
  const files = Object.entries(DANGEROUS_NODES).filter(([name]) => !allowed.includes(name));
  return files.map(([, file]) => file).join(",") || "none";
}
