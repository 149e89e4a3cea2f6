import type { PlanContext } from "./context.ts";
import type { Network } from "./target/types.ts";

/**
 * Two planes: `data` for the stores, without a way out and with fixed addresses; `edge` for the proxy and
 * the clusters. Tenants have networks of their own.
 */
export function planNetworks(platform: string, context: PlanContext): Network[] {
  const { stack, networks, subnet } = context;
  return [
    {
      id: `${platform}-network-data`,
      name: networks.data,
      identity: { stack, component: "mongodb" },
      internal: true,
      subnet,
    },
    {
      id: `${platform}-network-edge`,
      name: networks.edge,
      identity: { stack, component: "edge" },
      internal: false,
    },
  ];
}
