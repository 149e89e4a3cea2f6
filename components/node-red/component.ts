import type * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig } from "../../config/sections/cluster.ts";
import { PlatformComponent } from "../base.ts";
import { placeInTurn } from "../chain.ts";
import type { PlanContext } from "../context.ts";
import { type DatabaseAccess, planProvision } from "../jobs.ts";
import { password } from "../secrets.ts";
import type { Needs, Target } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import { type FlowEnvironment, runtimeFiles } from "./files.ts";
import { planCluster } from "./plan.ts";

export interface ClusterArgs {
  readonly target: Target;
  readonly context: PlanContext;
  readonly key: string;
  /** What its objects are called. */
  readonly identity: string;
  readonly config: ClusterConfig;
  readonly environment: FlowEnvironment;
  readonly access: DatabaseAccess;
  /** What has to run before: the replica set, the agent. */
  readonly needs: Needs;
}

/**
 * A Node-RED cluster. Creates the editor, its replicas, their files and folders, a database user and the
 * route. Keeps the editor's folder and the secret of the credentials. Scaling makes or removes replicas
 * and touches nothing else; any other change replaces the editor, then one replica after the other.
 */
export class Cluster extends PlatformComponent {
  readonly url: string;
  readonly apiUrl: string;
  /** Password of the first user, `admin`. */
  readonly firstPassword: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.cluster, name, opts);
    const { target, context, key, identity, config, access } = args;
    this.firstPassword = password(this, `${name}.first-password`);
    const database = password(this, `${name}.database-password`);
    const credentials = password(this, `${name}.credential-secret`, { protect: config.protect });
    const secrets = { environment: args.environment, databasePassword: database };
    // One secret of the flows' credentials, for editor and replicas.
    const files = [
      ...runtimeFiles({ kind: "cluster", identity, access, ...secrets }),
      { name: "credential-secret", content: credentials },
    ];
    const plan = planCluster(name, context, { key, identity, config, access, files });
    const provision = planProvision(name, context, access, {
      ...{ kind: "cluster", identity, userPassword: database, firstPassword: this.firstPassword },
    });
    const provisioned = target.job(this, provision, args.needs);
    placeInTurn(this, target, [plan.editor, ...plan.replicas], [provisioned]);
    target.expose(this, plan.route);
    ({ url: this.url, apiUrl: this.apiUrl } = plan);
    this.registerOutputs({ url: this.url, apiUrl: this.apiUrl });
  }
}
