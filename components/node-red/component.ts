import type * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig } from "../../config/sections/cluster.ts";
import { PlatformComponent } from "../base.ts";
import { placeMembers } from "../chain.ts";
import type { PlanContext } from "../context.ts";
import { planProvision } from "../jobs.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import { password } from "../secrets.ts";
import type { Needs, Placed, Target, WorkloadFile } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import type { ValkeyAccess } from "../valkey/access.ts";
import { planCredentials, planKeepSecret } from "./credentials.ts";
import { type FlowEnvironment, flowFile, runtimeFiles } from "./files.ts";
import { planFirstUser } from "./first-user.ts";
import { type ClusterInput, planCluster } from "./plan.ts";

/** The store of shared context and locks. */
export interface SharedStore {
  readonly access: ValkeyAccess;
  /** Its members: users can be made once they run. */
  readonly needs: Needs;
}

export interface ClusterArgs {
  readonly target: Target;
  readonly context: PlanContext;
  readonly key: string;
  /** What its objects are called. */
  readonly identity: string;
  readonly config: ClusterConfig;
  readonly environment: FlowEnvironment;
  readonly access: DatabaseAccess;
  readonly shared: SharedStore;
  /** What it takes to use the npm registry. */
  readonly registry: readonly WorkloadFile[];
  /** What has to run before: the replica set, the agent. */
  readonly needs: Needs;
}

/**
 * A Node-RED cluster. Creates the editor, its replicas, their files and folders, a user of each store and
 * the route. Keeps, when it goes, what flows and users are worth: the editor's folder, the secret of the
 * credentials, its data in the stores. Scaling makes or removes replicas and touches nothing else; any other
 * change replaces the editor, then one replica after the other.
 */
export class Cluster extends PlatformComponent {
  readonly url: string;
  readonly apiUrl: string;
  /** Password of the first user, `admin`. */
  readonly firstPassword: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.cluster, name, opts);
    const { target, context, key, identity, config, access, shared } = args;
    this.firstPassword = password(this, `${name}.first-password`);
    const database = password(this, `${name}.database-password`);
    const known = this.#makeValkeyUser(name, args);
    const secrets = { environment: args.environment, databasePassword: database };
    const valkey = {
      name: "valkey.json",
      content: shared.access.fileOf({ key, identity }, known.password),
    };
    const files = [
      ...(config.flowStore === "valkey"
        ? [flowFile(args.environment)]
        : runtimeFiles({ kind: "cluster", identity, access, ...secrets })),
      valkey,
      ...args.registry,
    ];
    const input = { key, identity, config, access, shared: shared.access, files };
    const plan = planCluster(name, context, input);
    const provisioned =
      config.flowStore === "valkey"
        ? this.#makeFirstUser(name, args, input, valkey, known.jobs)
        : this.#makeDatabase(name, args, database);
    const members = [plan.editor, ...plan.replicas];
    const needs = [provisioned, ...known.jobs, this.#keepSecret(name, args)];
    placeMembers(this, target, members, needs, context.pace);
    target.expose(this, plan.route);
    ({ url: this.url, apiUrl: this.apiUrl } = plan);
    this.registerOutputs({ url: this.url, apiUrl: this.apiUrl });
  }

  /** A user of the shared store, where that is the stack's own. */
  #makeValkeyUser(name: string, { target, identity, shared }: ClusterArgs) {
    const { planUser } = shared.access;
    if (planUser === undefined) return { password: undefined, jobs: [] };
    const secret = password(this, `${name}.valkey-password`);
    return {
      password: secret,
      jobs: [target.job(this, planUser(name, identity, secret), shared.needs)],
    };
  }

  /** One secret of the flows' credentials, for editor and replicas. */
  #keepSecret(name: string, { target, context, identity }: ClusterArgs): Placed {
    const secret = password(this, `${name}.credential-secret`);
    target.volume(this, planCredentials(name, context, identity));
    return target.job(this, planKeepSecret(name, context, identity, secret));
  }

  /** A database user, and the first user in the database. */
  #makeDatabase(name: string, args: ClusterArgs, userPassword: pulumi.Output<string>): Placed {
    const { target, context, identity, access, needs } = args;
    const { firstPassword } = this;
    const plan = { kind: "cluster", identity, userPassword, firstPassword } as const;
    return target.job(this, planProvision(name, context, access, plan), needs);
  }

  /** The first user in Valkey, where the cluster itself is a user already. */
  #makeFirstUser(
    name: string,
    { target, context }: ClusterArgs,
    input: ClusterInput,
    valkey: WorkloadFile,
    needs: Needs,
  ): Placed {
    const files = [valkey, { name: "first-password", content: this.firstPassword }];
    return target.job(this, planFirstUser(name, context, input, files), needs);
  }
}
