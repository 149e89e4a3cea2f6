import type * as pulumi from "@pulumi/pulumi";
import type { ComponentName } from "../../config/names.ts";

/**
 * The port between what the platform is and the engine it runs on. Plans are plain values; the only
 * `Input`s are secrets and what is made from them (`FileContent`). A target turns plans into resources.
 */
export interface Target {
  /** Comes first, once: what the target needs for itself, named after the platform. */
  prepare(owner: Owner, platform: string): void;
  /** A network that workloads join by its name. */
  network(owner: Owner, plan: Network): Placed;
  /** Storage that outlives its workload. */
  volume(owner: Owner, plan: Volume): Placed;
  /** An image built from a folder under `images/`. Plans name it by its id. */
  image(owner: Owner, plan: ImageBuild): Placed;
  /** A process that runs for ever. */
  workload(owner: Owner, plan: Workload, needs?: Needs): Placed;
  /** A process that runs to its end; what needs it waits for success. */
  job(owner: Owner, plan: Job, needs?: Needs): Placed;
  /** Host names that the edge sends to a workload. */
  expose(owner: Owner, plan: Exposure): Placed;
}

/** The component that everything made for it hangs under. */
export type Owner = pulumi.ComponentResource;

/** Something that exists on the target; what others wait for. */
export interface Placed {
  readonly ready: pulumi.Input<pulumi.Resource>;
}

/** What has to exist, healthy or finished, before the next thing is made. */
export type Needs = readonly Placed[];

/** Who an object belongs to: its labels on the engine. */
export interface Identity {
  readonly stack: string;
  readonly component: ComponentName;
  /** Key of the cluster or tenant. */
  readonly key?: string;
  /** Index, where there are several. */
  readonly member?: number;
}

interface Plan {
  /** Logical name in Pulumi: starts with its component's name and never changes. */
  readonly id: string;
  /** Name on the engine, DNS name and host name alike. */
  readonly name: string;
  readonly identity: Identity;
}

/** A network of containers. */
export interface Network extends Plan {
  /** No way out of it. */
  readonly internal: boolean;
  /** Fixed /24 whose members may have fixed addresses. */
  readonly subnet?: string;
}

/** Named storage. */
export interface Volume extends Plan {
  /**
   * What happens to the data: `protected` refuses deletion, `retained` outlives the resource, `scratch`
   * goes with it.
   */
  readonly durability: "protected" | "retained" | "scratch";
}

/** An image of ours. */
export interface ImageBuild {
  readonly id: string;
  readonly image: ImageId;
  /** Its name on the engine, and its folder under `images/`. */
  readonly folder: string;
  /** Folder of somebody else instead: below the project, or absolute. */
  readonly context?: string;
  /** Build arguments, base images included. */
  readonly args: Readonly<Record<string, string>>;
  /** The image that it is made from, as the build argument `BASE`. */
  readonly base?: ImageId;
}

/** The images of the platform, and those that a stack makes from them. */
export type ImageId = PlatformImage | `template-${string}`;
type PlatformImage = "mongodb" | "valkey" | "edge" | "agent" | "node-red-4" | "node-red-5";

/** Text of a file: plain, or made from secrets. */
export type FileContent = pulumi.Input<string>;

/** A file under `/run/redfleet` in the workload, mode 0400, owned by its user. */
export interface WorkloadFile {
  readonly name: string;
  readonly content: FileContent;
}

/** A volume in a workload. */
export interface Mount {
  readonly volume: string;
  readonly path: string;
  readonly readOnly?: boolean;
}

/** A network that a workload is in. */
export interface NetworkJoin {
  readonly network: string;
  readonly address?: string;
  /** Names that several workloads share. */
  readonly aliases?: readonly string[];
}

/** A name that a workload knows without asking DNS, which forgets the names of what is stopped. */
export interface KnownHost {
  readonly name: string;
  readonly address: string;
}

/** A port of the host that leads to a port of the workload. */
export interface PublishedPort {
  readonly address: string;
  readonly host: number;
  readonly container: number;
}

/** A command in the workload that exits with 0 when it is well. Seconds. */
export interface HealthCheck {
  readonly command: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
  readonly startPeriodSeconds: number;
}

/** What workloads and jobs share. */
export interface Process extends Plan {
  readonly image: ImageId;
  readonly command: readonly string[];
  /** Plain values only; secrets are files. */
  readonly environment: Readonly<Record<string, string>>;
  /** Numeric, as the container's security options want it. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Limit in MB; swap is never more. */
  readonly memory: number;
  readonly cpus?: number;
  /** Processes and threads. */
  readonly pids: number;
  /** Files and connections that one process may have open. Default: enough for all but a large proxy. */
  readonly openFiles?: number | undefined;
  readonly mounts?: readonly Mount[] | undefined;
  /** Folders that start empty each time and live in memory. */
  readonly scratch?: readonly string[];
  readonly files?: readonly WorkloadFile[];
  readonly networks: readonly NetworkJoin[];
  readonly hosts?: readonly KnownHost[];
  /** Linux capabilities kept; all others are dropped. */
  readonly capabilities?: readonly string[];
}

/** A process that is restarted when it ends. */
export interface Workload extends Process {
  readonly ports?: readonly PublishedPort[];
  readonly health: HealthCheck;
  /** Seconds until healthy before the deployment fails. */
  readonly waitSeconds: number;
  /** Seconds between the request to stop and the kill. */
  readonly graceSeconds: number;
  /** Gets the engine's socket and the host's network: the agent, and nothing else. */
  readonly engineAccess?: boolean;
}

/** A process that ends. It is run again when its plan changes. */
export interface Job extends Process {
  /** Seconds until it counts as failed. */
  readonly timeoutSeconds: number;
  /** Runs in the network of this workload instead of in networks of its own. */
  readonly inNetworkOf?: string;
}

/** Host names and where they lead. Changing one never touches the edge or the workload. */
export interface Exposure extends Plan {
  readonly kind: "tenant" | "cluster";
  readonly hosts: readonly string[];
  readonly state: "running" | "stopped";
  /** DNS name of the workload that answers. */
  readonly upstream: string;
  /** Where a path prefix leads instead (clusters). */
  readonly api?: { readonly upstream: string; readonly prefix: string };
  readonly options?: Readonly<Record<string, unknown>>;
}
