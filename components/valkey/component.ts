import * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../../config/canonical.ts";
import type { ValkeyConfig } from "../../config/sections/valkey.ts";
import { PlatformComponent } from "../base.ts";
import { placeMembers } from "../chain.ts";
import type { PlanContext } from "../context.ts";
import { password } from "../secrets.ts";
import type { Needs, Owner, Placed, Target } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import { planSentinels, planServers } from "./plan.ts";

export interface ReplicationArgs {
  readonly target: Target;
  readonly context: PlanContext;
  readonly config: ValkeyConfig & { readonly dev: boolean };
  /** What has to run before: with TLS the agent, who issues the members' certificates. */
  readonly needs: Needs;
}

/**
 * A Valkey primary with its replicas. Creates a container and a data volume per server and a password per
 * purpose. Keeps volumes and passwords. A change replaces one server after the other.
 */
export class Replication extends PlatformComponent {
  /** `{admin, replication, sentinel, app: password}` as JSON, for everyone who renders ACLs from it. */
  readonly users: pulumi.Output<string>;
  readonly servers: readonly Placed[];

  constructor(name: string, args: ReplicationArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.replication, name, opts);
    this.users = userFile(this, name);
    const plan = planServers(name, args.context, args.config, this.users);
    this.servers = placeMembers(this, args.target, plan, args.needs, args.context.pace);
    this.registerOutputs({});
  }
}

export interface SentinelsArgs extends ReplicationArgs {
  readonly users: pulumi.Output<string>;
  readonly servers: Needs;
}

/** The Sentinels that watch a {@link Replication}. A change replaces one after the other. */
export class Sentinels extends PlatformComponent {
  readonly sentinels: readonly Placed[];

  constructor(name: string, args: SentinelsArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.sentinels, name, opts);
    const plan = planSentinels(name, args.context, args.config, args.users);
    const { pace } = args.context;
    // Servers that start with data look for a quorum of Sentinels first.
    const needs = pace === "at once" ? args.needs : args.servers;
    this.sentinels = placeMembers(this, args.target, plan, needs, pace);
    this.registerOutputs({});
  }
}

function userFile(owner: Owner, name: string): pulumi.Output<string> {
  const purposes = ["admin", "app", "replication", "sentinel"];
  const passwords = purposes.map((purpose) =>
    password(owner, `${name}.${purpose}`, { protect: true }).apply((value) => [purpose, value]),
  );
  return pulumi.all(passwords).apply((pairs) => canonicalJson(Object.fromEntries(pairs)));
}
