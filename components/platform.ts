import { readFileSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";
import { sortedEntries } from "../config/canonical.ts";
import { confirmed } from "../config/destruction.ts";
import { identityOf } from "../config/identity.ts";
import { projectPath } from "../config/local.ts";
import { own } from "../config/own.ts";
import type { Pace } from "../config/pace.ts";
import type { PlatformConfig } from "../config/schema.ts";
import { allTemplates } from "../config/templates.ts";
import { PlatformComponent } from "./base.ts";
import { type PlanContext, planContext } from "./context.ts";
import { Agent, Edge } from "./edge/component.ts";
import type { BaseImages } from "./images/bases.ts";
import { planImages, planTemplateImages } from "./images/plan.ts";
import { type DatabaseAccess, externalAccess, externalServers } from "./mongodb/access.ts";
import { ReplicaSet } from "./mongodb/component.ts";
import { planNetworks } from "./networks.ts";
import { Cluster, type SharedStore } from "./node-red/component.ts";
import { ErasedCluster } from "./node-red/erased.ts";
import type { FlowEnvironment } from "./node-red/files.ts";
import { outputsOf, type PlatformOutputs } from "./outputs.ts";
import type { Needs, Target, WorkloadFile } from "./target/types.ts";
import { ErasedTenant, Tenant } from "./tenant/component.ts";
import { TOKENS } from "./tokens.ts";
import { externalAccess as externalValkey, ownAccess as ownValkey } from "./valkey/access.ts";
import { Replication, Sentinels } from "./valkey/component.ts";

export interface PlatformArgs {
  readonly target: Target;
  readonly config: PlatformConfig;
  /** What the images start from. */
  readonly bases: BaseImages;
  /** How members start. Default: in turn. */
  readonly pace?: Pace;
  /** Value of a key in `redfleet:secrets`. */
  readonly secret: (name: string) => pulumi.Output<string>;
}

/** Where flows and users are, and what has to have happened before it can be used. */
interface DocumentStore {
  readonly access: DatabaseAccess;
  readonly needs: Needs;
}

/** The composition root: knows every component, and no engine. Its name is the stack's. */
export class Platform extends PlatformComponent {
  readonly outputs: PlatformOutputs;
  readonly #args: PlatformArgs;
  readonly #context: PlanContext;
  /** What it takes to use the npm registry, the same for all runtimes. */
  readonly #registry: readonly WorkloadFile[];

  constructor(name: string, args: PlatformArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super(TOKENS.platform, name, opts);
    this.#args = args;
    this.#context = planContext(name, args.config, args.pace);
    this.#registry = registryFiles(args);
    this.#makeFoundation(name);
    const agent = this.#makeEdge(name);
    const mongodb = this.#makeMongodb(name, agent);
    const valkey = this.#makeValkey(name, agent);
    const clusters = this.#makeClusters(name, mongodb, valkey, agent);
    const tenants = this.#makeTenants(name, mongodb, agent);
    this.#erase(name, mongodb, valkey);
    this.outputs = outputsOf(this.#context, clusters, tenants);
    this.registerOutputs({});
  }

  #makeFoundation(name: string): void {
    const { target, config, bases } = this.#args;
    for (const network of planNetworks(name, this.#context)) target.network(this, network);
    target.prepare(this, name);
    const images = [...planImages(name, bases), ...planTemplateImages(name, config.templates)];
    for (const image of images) target.image(this, image);
  }

  #makeMongodb(name: string, agent: Agent): DocumentStore {
    const { mongodb, dev } = this.#args.config;
    if (mongodb.external !== undefined) {
      return {
        access: externalAccess(this.#context, mongodb.external, this.#args.secret),
        needs: [],
      };
    }
    const args = {
      ...{ ...this.#common(), config: { ...mongodb, dev } },
      needs: mongodb.tls ? [agent.running] : [],
    };
    const { access, initiated } = new ReplicaSet(`${name}-mongodb`, args, { parent: this });
    return { access, needs: [initiated] };
  }

  #makeValkey(name: string, agent: Agent): SharedStore {
    const { valkey, dev } = this.#args.config;
    if (valkey.external !== undefined) {
      const { secret } = this.#args;
      return { access: externalValkey(this.#context, valkey.external, secret), needs: [] };
    }
    const needs = valkey.tls ? [agent.running] : [];
    const args = { ...this.#common(), config: { ...valkey, dev }, needs };
    const { users, servers } = new Replication(`${name}-valkey`, args, { parent: this });
    const { sentinels } = new Sentinels(
      `${name}-sentinel`,
      { ...args, users, servers },
      { parent: this },
    );
    const access = ownValkey(this.#context, valkey, users);
    return { access, needs: [...servers, ...sentinels] };
  }

  #makeEdge(name: string): Agent {
    const { edge, mongodb, valkey } = this.#args.config;
    const encrypted = { mongodb: mongodb.tls, valkey: valkey.tls };
    const tls = (["mongodb", "valkey"] as const).filter((store) => encrypted[store]);
    const { external } = mongodb;
    const servers = external && externalServers(external, this.#args.secret);
    const args = { ...this.#common(), config: edge, tls, externalServers: servers };
    const agent = new Agent(`${name}-agent`, args, { parent: this });
    new Edge(`${name}-edge`, { ...args, agent }, { parent: this });
    return agent;
  }

  #makeClusters(name: string, store: DocumentStore, shared: SharedStore, agent: Agent) {
    const { access } = store;
    // Runtimes load no flow before the agent has sealed their networks.
    const needs = [...store.needs, agent.running];
    return this.#each(this.#args.config.clusters, (key, config) => {
      const identity = identityOf(key, config);
      const environment = this.#environment(config.env, config.secretEnv);
      const own = { key, identity, config, environment, registry: this.#registry };
      const args = { ...this.#common(), ...own, access, shared, needs };
      return new Cluster(`${name}-cluster-${identity}`, args, { parent: this });
    });
  }

  #makeTenants(name: string, store: DocumentStore, agent: Agent) {
    const templates = allTemplates(this.#args.config);
    const { access } = store;
    const needs = [...store.needs, agent.running];
    return this.#each(this.#args.config.tenants, (key, config) => {
      const template = own(templates, config.template);
      if (template === undefined) throw new Error(`no template ${config.template}`);
      const environment = this.#environment({ ...template.env, ...config.env }, config.secretEnv);
      const identity = identityOf(key, config);
      const args = {
        ...this.#common(),
        key,
        identity,
        config,
        template,
        environment,
        registry: this.#registry,
        access,
        needs,
      };
      return new Tenant(`${name}-tenant-${identity}`, args, { parent: this });
    });
  }

  #erase(name: string, { access, needs }: DocumentStore, shared: SharedStore): void {
    for (const { kind, identity } of [...this.#args.config.confirmDestroy].sort().map(confirmed)) {
      const args = { ...this.#common(), identity, access, needs };
      const full = `${name}-${kind}-${identity}`;
      if (kind === "tenant") new ErasedTenant(full, args, { parent: this });
      else new ErasedCluster(full, { ...args, shared }, { parent: this });
    }
  }

  #common() {
    return { target: this.#args.target, context: this.#context };
  }

  #environment(
    plain: Readonly<Record<string, unknown>>,
    references: Readonly<Record<string, string>>,
  ): FlowEnvironment {
    const values = sortedEntries({ ...plain }).map(([name, value]) => [name, String(value)]);
    const secrets = sortedEntries({ ...references }).map(([name, secret]) => [
      name,
      this.#args.secret(secret),
    ]);
    return Object.fromEntries([...values, ...secrets]);
  }

  #each<T, R>(map: Readonly<Record<string, T>>, make: (key: string, entry: T) => R) {
    return Object.fromEntries(
      sortedEntries({ ...map }).map(([key, entry]) => [key, make(key, entry)]),
    );
  }
}

function registryFiles({ config, secret }: PlatformArgs): WorkloadFile[] {
  const { ca, tokenSecret } = config.registry ?? {};
  return [
    ...(ca ? [{ name: "npm-ca.pem", content: readFileSync(projectPath(ca), "utf8") }] : []),
    ...(tokenSecret ? [{ name: "npm-token", content: secret(tokenSecret) }] : []),
  ];
}
