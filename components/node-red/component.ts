import type * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../../config/canonical.ts";
import type { ClusterConfig } from "../../config/sections/cluster.ts";
import { PlatformComponent } from "../base.ts";
import { placeInTurn } from "../chain.ts";
import type { PlanContext } from "../context.ts";
import { planProvision } from "../jobs.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import { password } from "../secrets.ts";
import type { Needs, Target } from "../target/types.ts";
import { TOKENS } from "../tokens.ts";
import { planUser, type ValkeyAccess, valkeySettings } from "../valkey/plan.ts";
import { type FlowEnvironment, runtimeFiles } from "./files.ts";
import { planCluster } from "./plan.ts";

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
  /** What has to run before: the replica set, the agent. */
  readonly needs: Needs;
}

/**
 * A Node-RED cluster. Creates the editor, its replicas, their files and folders, a user of each store and
 * the route. Keeps the editor's folder and the secret of the credentials. Scaling makes or removes replicas
 * and touches nothing else; any other change replaces the editor, then one replica after the other.
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
    const credentials = password(this, `${name}.credential-secret`, { protect: config.protect });
    const store = password(this, `${name}.valkey-password`);
    const secrets = { environment: args.environment, databasePassword: database };
    // One secret of the flows' credentials, for editor and replicas.
    const files = [
      ...runtimeFiles({ kind: "cluster", identity, access, ...secrets }),
      { name: "credential-secret", content: credentials },
      { name: "valkey.json", content: valkeyFile(shared.access, identity, store) },
    ];
    const input = { key, identity, config, access, shared: shared.access, files };
    const plan = planCluster(name, context, input);
    const provision = planProvision(name, context, access, {
      ...{ kind: "cluster", identity, userPassword: database, firstPassword: this.firstPassword },
    });
    const provisioned = target.job(this, provision, args.needs);
    const user = planUser(name, context, shared.access, identity, store);
    const known = target.job(this, user, shared.needs);
    placeInTurn(this, target, [plan.editor, ...plan.replicas], [provisioned, known]);
    target.expose(this, plan.route);
    ({ url: this.url, apiUrl: this.apiUrl } = plan);
    this.registerOutputs({ url: this.url, apiUrl: this.apiUrl });
  }
}

function valkeyFile(access: ValkeyAccess, identity: string, secret: pulumi.Output<string>) {
  return secret.apply((value) => canonicalJson({ ...valkeySettings(access, identity, value) }));
}
