import { z } from "zod";
import { TENANT_MODULE_KEYS } from "./modules.ts";
import { Cpus, Environment, Memory, RenamedFrom, SecretEnvironment } from "./values.ts";

/** One Node-RED instance of somebody. Its key is its identity, unless `renamedFrom` says what that was at first. */
export const Tenant = z.strictObject({
  template: z.string().describe("Template: `nodered-5`, `nodered-4` or one of this stack."),
  displayName: z.string().max(80).optional().describe("Title in the editor. Default: the key."),
  host: z.string().optional().describe("Host label below the domain. Default: the tenant's key."),
  aliases: z
    .array(z.string())
    .default([])
    .describe("More host names: labels below the domain, or full names. Nothing restarts."),
  renamedFrom: RenamedFrom,
  memory: Memory.optional().describe(
    "Memory limit; heap is 75 %. Default and bounds: the template.",
  ),
  cpus: Cpus.optional().describe("CPUs. Default and bounds: the template."),
  state: z
    .enum(["running", "stopped"])
    .default("running")
    .describe("`stopped` removes the runtime and keeps all data; the edge answers a clear page."),
  env: Environment.default({}).describe("Environment of the flows."),
  secretEnv: SecretEnvironment.default({}).describe("Variable -> key in `redfleet:secrets`."),
  ...TENANT_MODULE_KEYS,
});

export type TenantConfig = z.infer<typeof Tenant>;
