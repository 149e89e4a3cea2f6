import type { Container, Network, Observed, RouteRecord } from "../model.ts";
import type { EngineClient } from "./client.ts";

interface ListedContainer {
  Id: string;
  Names: string[];
  State: string;
  Labels: Record<string, string>;
  NetworkSettings?: {
    Networks?: Record<string, { IPAddress?: string; GlobalIPv6Address?: string }>;
  };
}

interface ListedNetwork {
  Id: string;
  Name: string;
  Driver: string;
  Labels: Record<string, string>;
  Options: Record<string, string> | null;
  IPAM?: { Config?: { Subnet?: string }[] | null };
}

function container(listed: ListedContainer): Container {
  const networks = Object.entries(listed.NetworkSettings?.Networks ?? {});
  return {
    id: listed.Id,
    name: (listed.Names[0] ?? listed.Id).replace(/^\//, ""),
    state: listed.State,
    component: listed.Labels["redfleet.component"] ?? "",
    key: listed.Labels["redfleet.name"] ?? "",
    labels: listed.Labels,
    networks: new Map(
      networks.map(([name, at]) => [
        name,
        [at.IPAddress, at.GlobalIPv6Address].filter((address) => address) as string[],
      ]),
    ),
  };
}

function network(listed: ListedNetwork): Network {
  return {
    id: listed.Id,
    name: listed.Name,
    component: listed.Labels["redfleet.component"] ?? "",
    // Docker names a bridge after its network unless it is told otherwise.
    bridge: listed.Options?.["com.docker.network.bridge.name"] ?? `br-${listed.Id.slice(0, 12)}`,
    subnets: (listed.IPAM?.Config ?? []).flatMap((range) => range.Subnet ?? []),
  };
}

/** What the engine holds of this stack, and of nobody else's, at this moment. */
export async function observe(engine: EngineClient, stack: string): Promise<Observed> {
  const query = { filters: JSON.stringify({ label: [`redfleet.stack=${stack}`] }) };
  const [containers, networks, volumes] = await Promise.all([
    engine.call<ListedContainer[]>({ path: "/containers/json", query: { ...query, all: "1" } }),
    engine.call<ListedNetwork[]>({ path: "/networks", query }),
    engine.call<{ Volumes: { Name: string; Labels: Record<string, string> }[] | null }>({
      path: "/volumes",
      query,
    }),
  ]);
  const records = (volumes.Volumes ?? []).filter(
    (volume) => volume.Labels["redfleet.component"] === "route",
  );
  return {
    containers: containers.map(container),
    networks: networks.filter((listed) => listed.Driver === "bridge").map(network),
    records: records.map((volume): RouteRecord => ({ name: volume.Name, labels: volume.Labels })),
  };
}
