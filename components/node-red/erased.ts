import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../../config/names.ts";
import { PlatformComponent } from "../base.ts";
import type { PlanContext } from "../context.ts";
import { planErase } from "../jobs.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import type { Needs, Placed, Target } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import { valkeyUser } from "../valkey/user.ts";
import type { SharedStore } from "./component.ts";
import { credentialsMount, planCredentials } from "./credentials.ts";
import { planEditorData } from "./plan.ts";

export interface ErasedClusterArgs {
  readonly target: Target;
  readonly context: PlanContext;
  /** What its objects are called. */
  readonly identity: string;
  readonly access: DatabaseAccess;
  readonly shared: SharedStore;
  /** What has to run before: the replica set. */
  readonly needs: Needs;
}

/**
 * What is left of a cluster whose destruction was confirmed: a job that takes its user and keys out of Valkey,
 * then one that drops its database and empties the editor's folder and that of the credential secret. It has the
 * type and the names of the cluster, so its volumes are the same resources, and the editor's container becomes
 * the second job. Taken out of the configuration again, the volumes go too.
 */
export class ErasedCluster extends PlatformComponent {
  constructor(name: string, args: ErasedClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.cluster, name, opts);
    const { target, context, identity, access } = args;
    const data = planEditorData(name, context, identity, "scratch");
    target.volume(this, data);
    target.volume(this, planCredentials(name, context, identity, "scratch"));
    const forgotten = this.#eraseUser(name, args);
    const erase = planErase(context, access, {
      ...{ kind: "cluster", identity, id: `${name}.editor` },
      name: physicalName(context.stack, "editor", identity),
      folders: [
        { volume: data.name, path: "/data" },
        credentialsMount(context.stack, identity, false),
      ],
    });
    target.job(this, erase, [...args.needs, ...forgotten]);
    this.registerOutputs({});
  }

  /** In a store of somebody else, users and keys are not the stack's to erase. */
  #eraseUser(name: string, { target, identity, shared }: ErasedClusterArgs): Placed[] {
    const { planEraseUser } = shared.access;
    if (planEraseUser !== undefined) {
      return [target.job(this, planEraseUser(name, identity), shared.needs)];
    }
    const keys = `nr:${valkeyUser(identity)}:*`;
    const told = `the keys ${keys} in the external Valkey or Redis stay; delete them there`;
    void pulumi.log.warn(told, this);
    return [];
  }
}
