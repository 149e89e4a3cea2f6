import type * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../../config/names.ts";
import type { TemplateConfig } from "../../config/sections/template.ts";
import type { TenantConfig } from "../../config/sections/tenant.ts";
import { PlatformComponent } from "../base.ts";
import type { PlanContext } from "../context.ts";
import { planErase, planProvision } from "../jobs.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import { type FlowEnvironment, runtimeFiles } from "../node-red/files.ts";
import { password } from "../secrets.ts";
import type { Needs, Target, WorkloadFile } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import { planData, planTenant } from "./plan.ts";

interface CommonArgs {
  readonly target: Target;
  readonly context: PlanContext;
  /** What its objects are called. */
  readonly identity: string;
  readonly access: DatabaseAccess;
  /** What has to run before: the replica set, the agent. */
  readonly needs: Needs;
}

export interface TenantArgs extends CommonArgs {
  readonly key: string;
  readonly config: TenantConfig;
  readonly template: TemplateConfig;
  readonly environment: FlowEnvironment;
  /** What it takes to use the npm registry. */
  readonly registry: readonly WorkloadFile[];
}

/**
 * One tenant. Creates its network, volume, route, database user and, while it is to run, its container.
 * Keeps the volume when it goes. Aliases change without a restart, memory in place; anything else replaces
 * the container.
 */
export class Tenant extends PlatformComponent {
  readonly url: string;
  readonly aliases: readonly string[];
  readonly state: TenantConfig["state"];
  /** Password of the first user, `admin`. */
  readonly firstPassword: pulumi.Output<string>;

  constructor(name: string, args: TenantArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.tenant, name, opts);
    const { target, context, key, identity, config, template, environment, access } = args;
    this.firstPassword = password(this, `${name}.first-password`);
    const userPassword = password(this, `${name}.database-password`);
    const secrets = { environment, databasePassword: userPassword };
    const files = [
      ...runtimeFiles({ kind: "tenant", identity, access, ...secrets }),
      ...args.registry,
    ];
    const plan = planTenant(name, context, { key, identity, config, template, access, files });
    target.network(this, plan.network);
    target.volume(this, plan.data);
    target.expose(this, plan.route);
    const provision = planProvision(name, context, access, {
      ...{ kind: "tenant", identity, userPassword, firstPassword: this.firstPassword },
    });
    const provisioned = target.job(this, provision, args.needs);
    if (plan.workload) target.workload(this, plan.workload, [provisioned]);
    ({ url: this.url, aliases: this.aliases } = plan);
    this.state = config.state;
    this.registerOutputs({ url: this.url, state: this.state });
  }
}

/**
 * What is left of a tenant whose destruction was confirmed: a job that erases its database and empties its
 * volume. It has the type and the names of the tenant, so volume and container are the same resources, and
 * the container becomes the job. Taken out of the configuration again, the volume goes too.
 */
export class ErasedTenant extends PlatformComponent {
  constructor(name: string, args: CommonArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.tenant, name, opts);
    const data = planData(name, args.context, args.identity, "scratch");
    args.target.volume(this, data);
    const erase = planErase(args.context, args.access, {
      ...{ kind: "tenant", identity: args.identity, id: name },
      name: physicalName(args.context.stack, "tenant", args.identity),
      folders: [{ volume: data.name, path: "/data" }],
    });
    args.target.job(this, erase, args.needs);
    this.registerOutputs({});
  }
}
