import type { Container, Network, Observed } from "../model.ts";

/** One change of a container's networks. */
export interface Attachment {
  action: "connect" | "disconnect";
  network: Network;
  container: Container;
}

const joining = new Set(["edge", "mongodb"]);
const leaving = new Set(["removing", "dead"]);

/**
 * The edge and the MongoDB members belong into a tenant's network while a container of a tenant
 * is in it, running or not, and out of it when none is: only then can the network be deleted.
 */
export function planAttachments(observed: Observed): Attachment[] {
  const members = observed.containers.filter(
    (container) => joining.has(container.component) && !leaving.has(container.state),
  );
  return observed.networks
    .filter((network) => network.component === "tenant")
    .flatMap((network) => changes(network, members, isInhabited(network, observed.containers)));
}

function isInhabited(network: Network, containers: Container[]): boolean {
  return containers.some(
    (container) => container.component === "tenant" && container.networks.has(network.name),
  );
}

function changes(network: Network, members: Container[], wanted: boolean): Attachment[] {
  return members
    .filter((container) => container.networks.has(network.name) !== wanted)
    .map((container) => ({ action: wanted ? "connect" : "disconnect", network, container }));
}
