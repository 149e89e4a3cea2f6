import { fullHost } from "../../config/hosts.ts";
import { physicalName, REPLICAS_ALIAS } from "../../config/names.ts";
import type { ClusterConfig } from "../../config/sections/cluster.ts";
import type { Member } from "../chain.ts";
import { type PlanContext, publicUrl } from "../context.ts";
import { databaseName, trust } from "../jobs.ts";
import { keptFolder } from "../kept.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import { SEAL_FILE, sealMount } from "../seal.ts";
import type { Exposure, WorkloadFile } from "../target/types.ts";
import type { ValkeyAccess } from "../valkey/access.ts";
import { CREDENTIAL_SECRET, credentialsMount } from "./credentials.ts";
import { moduleEnvironment } from "./modules.ts";
import { runtimeCommand, runtimeDefaults, runtimeEnvironment } from "./runtime.ts";

/** One editor and N replicas of the same flows, and the route to them. */
export interface ClusterPlan {
  readonly editor: Member;
  readonly replicas: readonly Member[];
  readonly route: Exposure;
  readonly url: string;
  readonly apiUrl: string;
}

/** What a cluster's plan is made from. */
export interface ClusterInput {
  readonly key: string;
  /** What its objects are called: the key that it had at first. */
  readonly identity: string;
  readonly config: ClusterConfig;
  readonly access: DatabaseAccess;
  readonly shared: Pick<ValkeyAccess, "tls" | "waitReplicas" | "network">;
  /** What editor and replicas find under `/run/redfleet`. */
  readonly files: readonly WorkloadFile[];
}

/** Plans a cluster. `id` is the component's name. */
export function planCluster(id: string, context: PlanContext, input: ClusterInput): ClusterPlan {
  const host = fullHost(input.config.host ?? input.key, context.domain);
  const members = Array.from({ length: input.config.apiReplicas }, (_, member) => member);
  return {
    editor: planRuntime(id, context, input, "editor"),
    replicas: members.map((member) => planRuntime(id, context, input, "replica", member)),
    route: planRoute(id, context, input, host),
    url: publicUrl(context, host, "/"),
    apiUrl: publicUrl(context, host, input.config.apiPrefix),
  };
}

function planRuntime(
  id: string,
  context: PlanContext,
  input: ClusterInput,
  role: "editor" | "replica",
  member?: number,
): Member {
  const { key, config, access, shared, files } = input;
  const { stack, networks } = context;
  const ordinal = member === undefined ? [] : [member];
  const name = physicalName(stack, role, input.identity, ...ordinal);
  const own = [id, [role, ...ordinal].join("-")].join(".");
  const memory = role === "editor" ? config.editorMemory : config.replicaMemory;
  const identity = { stack, component: role, key, member };
  return {
    data:
      role === "editor"
        ? planEditorData(id, context, input.identity)
        : {
            id: `${own}.data`,
            name: `${name}-data`,
            identity: { ...identity, key: input.identity },
            // A copy of what the editor and the flow store have.
            durability: "scratch",
          },
    workload: {
      ...runtimeDefaults(config.nodeRed),
      id: own,
      name,
      identity,
      command: runtimeCommand(memory),
      environment: clusterEnvironment(context, input, role, member),
      memory,
      cpus: role === "editor" ? config.editorCpus : config.replicaCpus,
      pids: 256,
      mounts: [
        { volume: `${name}-data`, path: "/data" },
        sealMount(stack),
        credentialsMount(stack, input.identity, true),
        ...trust(context, access, shared),
      ],
      files,
      networks: [
        { network: networks.data },
        { network: networks.edge, aliases: [sharedName(stack, role, input.identity)] },
      ],
      hosts: access.hosts,
    },
  };
}

/** The editor's folder: what people installed. It outlives the cluster, until its erasure is confirmed. */
export const planEditorData = keptFolder({
  component: "editor",
  id: "editor.data",
  suffix: "-data",
});

/**
 * The DNS name that the edge asks for. The replicas' common name has a word that no container's name
 * has: `<stack>-replica-main-0` is a container of the cluster `main`, and must be nothing else.
 */
function sharedName(stack: string, role: "editor" | "replica", identity: string): string {
  return physicalName(stack, role === "replica" ? REPLICAS_ALIAS : role, identity);
}

function clusterEnvironment(
  context: PlanContext,
  input: ClusterInput,
  role: "editor" | "replica",
  member: number | undefined,
): Record<string, string> {
  const { key, config } = input;
  return runtimeEnvironment({
    REDFLEET_STACK: context.stack,
    REDFLEET_COMPONENT: role,
    REDFLEET_NAME: key,
    REDFLEET_MEMBER: member === undefined ? undefined : String(member),
    REDFLEET_ROLE: role,
    REDFLEET_HTTP_PORT: "1880",
    REDFLEET_HEALTH_PORT: "1881",
    REDFLEET_HTTP_NODE_ROOT: config.apiPrefix,
    REDFLEET_PUBLIC_URL: publicUrl(context, fullHost(config.host ?? key, context.domain), "/"),
    REDFLEET_TITLE: config.displayName ?? key,
    ...flowStoreEnvironment(input),
    REDFLEET_VALKEY_FILE: "/run/redfleet/valkey.json",
    REDFLEET_CONTEXT_DEFAULT: config.context.default,
    REDFLEET_CONTEXT_SYNCHRONOUS: config.context.synchronous ? "true" : "false",
    REDFLEET_CONTEXT_TIMEOUT_SECONDS: String(config.context.timeoutSeconds),
    REDFLEET_CREDENTIAL_SECRET_FILE: CREDENTIAL_SECRET,
    REDFLEET_SEAL_FILE: SEAL_FILE,
    REDFLEET_ENVIRONMENT_FILE: "/run/redfleet/environment.json",
    REDFLEET_DRAIN_SECONDS: String(config.drainSeconds),
    ...moduleEnvironment(config, context.registry),
  });
}

/** Where the flows are. */
function flowStoreEnvironment({ identity, config, shared }: ClusterInput) {
  if (config.flowStore === "valkey") {
    return {
      REDFLEET_FLOW_STORE: config.flowStore,
      REDFLEET_VALKEY_WAIT_REPLICAS: String(shared.waitReplicas),
    };
  }
  return {
    REDFLEET_FLOW_STORE: config.flowStore,
    REDFLEET_MONGODB_URI_FILE: "/run/redfleet/mongodb-uri",
    REDFLEET_MONGODB_DATABASE: databaseName("cluster", identity),
  };
}

function planRoute(
  id: string,
  { stack }: PlanContext,
  { key, identity, config }: ClusterInput,
  host: string,
): Exposure {
  return {
    id: `${id}.route`,
    name: physicalName(stack, "route", "cluster", identity),
    identity: { stack, component: "route", key },
    kind: "cluster",
    hosts: [host],
    state: "running",
    upstream: sharedName(stack, "editor", identity),
    api: { upstream: sharedName(stack, "replica", identity), prefix: config.apiPrefix },
    options: { sticky: config.sticky },
  };
}
