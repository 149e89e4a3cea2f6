import type { VolumeInspectInfo } from "dockerode";
import { type Engine, isGone } from "./client.ts";
import { LABEL, ofStack } from "./labels.ts";
import { type Part, partOf } from "./part.ts";

/** How the edge reaches a tenant or cluster: the record that the program leaves on the engine. */
export interface Route {
  key: string;
  kind: "tenant" | "cluster";
  /** Full host names, the own one first, then the aliases. */
  hosts: string[];
  state: "running" | "stopped";
  upstream: string;
  /** Path prefix of a cluster's API replicas. */
  prefix: string;
}

/** A volume, and whose it is. */
export interface Volume {
  name: string;
  component: string;
  /** Key of the cluster or tenant; empty for the platform's own. */
  key: string;
}

/** Everything that an engine holds of one stack. */
export interface StackView {
  stack: string;
  /** Containers that live on, sorted by name; jobs only if asked for, never holders of files. */
  parts: Part[];
  routes: Route[];
  /** Sorted by name. */
  volumes: Volume[];
  networks: string[];
}

/** Components that are not asked for: a job runs once, a holder of files never. */
const HIDDEN = {
  always: new Set(["files", "route"]),
  withoutJobs: new Set(["job", "files", "route"]),
};

/** Reads what an engine holds of a stack; an empty view if there is nothing. */
export async function readStack(
  docker: Engine,
  stack: string,
  options: { jobs?: boolean } = {},
): Promise<StackView> {
  const hidden = options.jobs ? HIDDEN.always : HIDDEN.withoutJobs;
  const filters = ofStack(stack);
  const [containers, { Volumes: volumes }, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listVolumes({ filters }),
    docker.listNetworks({ filters }),
  ]);
  const lasting = containers.filter((one) => !hidden.has(one.Labels[LABEL.component] ?? ""));
  const parts = await Promise.all(lasting.map((one) => inspectPart(docker, one.Id)));
  return {
    stack,
    parts: parts.flat().sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })),
    routes: volumes.flatMap(routeOf),
    volumes: volumes.map(volumeOf).sort((a, b) => a.name.localeCompare(b.name)),
    networks: networks.map((one) => one.Name).sort(),
  };
}

/** One container by id or name; none if it went away meanwhile. */
export async function inspectPart(docker: Engine, id: string): Promise<Part[]> {
  try {
    return [partOf(await docker.getContainer(id).inspect())];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function volumeOf({ Name: name, Labels: labels }: VolumeInspectInfo): Volume {
  return { name, component: labels?.[LABEL.component] ?? "", key: labels?.[LABEL.name] ?? "" };
}

function routeOf(volume: Pick<VolumeInspectInfo, "Labels">): Route[] {
  const labels = volume.Labels ?? {};
  const kind = labels[LABEL.routeKind];
  if (kind !== "tenant" && kind !== "cluster") return [];
  return [
    {
      key: labels[LABEL.name] ?? "",
      kind,
      hosts: (labels[LABEL.routeHosts] ?? "").split(",").filter((host) => host !== ""),
      state: labels[LABEL.routeState] === "stopped" ? "stopped" : "running",
      upstream: labels[LABEL.routeUpstream] ?? "",
      prefix: labels[LABEL.routePrefix] ?? "",
    },
  ];
}
