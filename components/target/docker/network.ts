import * as docker from "@pulumi/docker";
import { subnetLayout } from "../../../config/network.ts";
import type { Network, Owner } from "../types.ts";
import { labels } from "./labels.ts";

/** A bridge. With a subnet its lower half is for fixed addresses, the upper one for the engine. */
export function makeNetwork(owner: Owner, plan: Network): docker.Network {
  return new docker.Network(
    plan.id,
    {
      name: plan.name,
      driver: "bridge",
      internal: plan.internal,
      labels: labels(plan.identity),
      ipamConfigs: plan.subnet === undefined ? undefined : [ipam(plan.subnet)],
    },
    // Two networks of one name can exist, so the new one must not come before the old one went.
    { parent: owner, deleteBeforeReplace: true },
  );
}

function ipam(subnet: string) {
  const { gateway, dynamicRange } = subnetLayout(subnet);
  return { subnet, gateway, ipRange: dynamicRange };
}
