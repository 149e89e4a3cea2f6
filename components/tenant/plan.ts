import { tenantHosts } from "../../config/hosts.ts";
import { physicalName } from "../../config/names.ts";
import type { TemplateConfig } from "../../config/sections/template.ts";
import type { TenantConfig } from "../../config/sections/tenant.ts";
import { tenantLimits, tenantModules } from "../../config/templates.ts";
import { type PlanContext, publicUrl } from "../context.ts";
import { templateImage } from "../images/plan.ts";
import { databaseName, trust } from "../jobs.ts";
import { keptFolder } from "../kept.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import { moduleEnvironment } from "../node-red/modules.ts";
import { runtimeCommand, runtimeDefaults, runtimeEnvironment } from "../node-red/runtime.ts";
import { SEAL_FILE, sealMount } from "../seal.ts";
import type { Exposure, Network, Volume, Workload, WorkloadFile } from "../target/types.ts";

/** What a tenant's plan is made from. */
export interface TenantInput {
  readonly key: string;
  /** What its objects are called: the key that it had at first. */
  readonly identity: string;
  readonly config: TenantConfig;
  readonly template: TemplateConfig;
  readonly access: DatabaseAccess;
  /** What the runtime finds under `/run/redfleet`. */
  readonly files: readonly WorkloadFile[];
}

/** A tenant: its network, data and route always; its runtime while it is to run. */
export interface TenantPlan {
  readonly network: Network;
  readonly data: Volume;
  readonly route: Exposure;
  readonly workload: Workload | undefined;
  readonly url: string;
  readonly aliases: readonly string[];
}

/** Plans a tenant. `id` is the component's name. */
export function planTenant(id: string, context: PlanContext, input: TenantInput): TenantPlan {
  const [host = "", ...aliases] = tenantHosts(input.key, input.config, context.domain);
  const { state } = input.config;
  return {
    network: planNetwork(id, context, input.identity),
    data: planData(id, context, input.identity),
    route: planRoute(id, context, input, [host, ...aliases]),
    workload: state === "running" ? planWorkload(id, context, input, host) : undefined,
    url: publicUrl(context, host, "/"),
    aliases: aliases.map((alias) => publicUrl(context, alias, "/")),
  };
}

/** The tenant's folder: it outlives the tenant, until its erasure is confirmed. */
export const planData = keptFolder({ component: "tenant", id: "data", suffix: "-data" });

/**
 * A network that only the tenant is in; the agent brings the edge and the flow store to it. Its labels do not
 * follow a new key: for the provider another label is another network.
 */
function planNetwork(id: string, { stack }: PlanContext, identity: string): Network {
  return {
    id: `${id}.network`,
    name: physicalName(stack, "tenant", identity),
    identity: { stack, component: "tenant", key: identity },
    internal: false,
  };
}

function planRoute(
  id: string,
  { stack }: PlanContext,
  { key, identity, config }: TenantInput,
  hosts: readonly string[],
): Exposure {
  return {
    id: `${id}.route`,
    name: physicalName(stack, "route", "tenant", identity),
    identity: { stack, component: "route", key },
    kind: "tenant",
    hosts,
    state: config.state,
    upstream: physicalName(stack, "tenant", identity),
  };
}

function planWorkload(
  id: string,
  context: PlanContext,
  input: TenantInput,
  host: string,
): Workload {
  const { stack } = context;
  const { key, identity, config, template } = input;
  const name = physicalName(stack, "tenant", identity);
  const { memory, cpus, pids } = tenantLimits(config, template);
  return {
    ...runtimeDefaults(template.nodeRed),
    image: templateImage(config.template, template),
    id,
    name,
    identity: { stack, component: "tenant", key },
    command: runtimeCommand(memory),
    environment: tenantEnvironment(context, input, host),
    ...{ memory, cpus, pids },
    mounts: [
      { volume: `${name}-data`, path: "/data" },
      sealMount(stack),
      ...trust(context, input.access),
    ],
    files: input.files,
    networks: [{ network: name }],
  };
}

function tenantEnvironment(
  context: PlanContext,
  { key, identity, config, template }: TenantInput,
  host: string,
): Record<string, string> {
  return runtimeEnvironment({
    REDFLEET_STACK: context.stack,
    REDFLEET_COMPONENT: "tenant",
    REDFLEET_NAME: key,
    REDFLEET_ROLE: "instance",
    REDFLEET_HTTP_PORT: "1880",
    REDFLEET_HEALTH_PORT: "1881",
    REDFLEET_HTTP_NODE_ROOT: "/",
    REDFLEET_PUBLIC_URL: publicUrl(context, host, "/"),
    REDFLEET_TITLE: config.displayName ?? key,
    REDFLEET_FLOW_STORE: "mongodb",
    REDFLEET_MONGODB_URI_FILE: "/run/redfleet/mongodb-uri",
    REDFLEET_MONGODB_DATABASE: databaseName("tenant", identity),
    REDFLEET_SEAL_FILE: SEAL_FILE,
    REDFLEET_ENVIRONMENT_FILE: "/run/redfleet/environment.json",
    ...moduleEnvironment(tenantModules(config, template), context.registry),
  });
}
