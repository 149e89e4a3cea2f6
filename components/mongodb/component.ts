import type * as pulumi from "@pulumi/pulumi";
import type { MongoDbConfig } from "../../config/sections/mongodb.ts";
import { PlatformComponent } from "../base.ts";
import { placeMembers } from "../chain.ts";
import type { PlanContext } from "../context.ts";
import { bytes, password } from "../secrets.ts";
import type { Needs, Placed, Target } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import { type DatabaseAccess, ownAccess } from "./access.ts";
import { planReplicaSet } from "./plan.ts";

export interface ReplicaSetArgs {
  readonly target: Target;
  readonly context: PlanContext;
  readonly config: MongoDbConfig & { readonly dev: boolean };
  /** What has to run before: with TLS the agent, who issues the members' certificates. */
  readonly needs: Needs;
}

/**
 * A MongoDB replica set. Creates a container and a data volume per member, the shared key, the admin
 * password and the job that initiates and reconfigures the set. Keeps volumes and secrets for ever. A
 * change replaces one member after the other.
 */
export class ReplicaSet extends PlatformComponent {
  /** How jobs and runtimes reach it. */
  readonly access: DatabaseAccess;
  /** Initiated, with all members in it. */
  readonly initiated: Placed;

  constructor(name: string, args: ReplicaSetArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.replicaSet, name, opts);
    // A keyfile holds at most 1024 characters: 756 bytes are 1008.
    const keyfile = bytes(this, `${name}.keyfile`, 756, { protect: true });
    const admin = password(this, `${name}.admin`, { protect: true });
    const plan = planReplicaSet(name, args.context, args.config, { keyfile, admin });
    const { target, needs, context } = args;
    const members = placeMembers(this, target, plan.members, needs, context.pace);
    this.initiated = args.target.job(this, plan.init, members);
    this.access = ownAccess(args.context, { seeds: plan.seeds, admin, tls: args.config.tls });
    this.registerOutputs({});
  }
}
