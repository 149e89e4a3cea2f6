import type { Route } from "../routes.ts";
import type { EdgeSettings } from "../settings.ts";

/** A cluster's route. */
export type ClusterRoute = Extract<Route, { kind: "cluster" }>;

/** All that shapes the configuration. Tenants are not in it: they live in the map. */
export interface ConfigInput {
  settings: EdgeSettings;
  clusters: ClusterRoute[];
  /** Certificate files in the order of preference; the first serves clients without a known name. */
  certificates: string[];
  /** The name of the stack: the key of what is derived from it. */
  stack: string;
}
