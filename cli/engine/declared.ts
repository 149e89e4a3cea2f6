import { sortedEntries } from "../../config/canonical.ts";
import { fullHost, tenantHosts } from "../../config/hosts.ts";
import { identityOf } from "../../config/identity.ts";
import { physicalName } from "../../config/names.ts";
import { type DeclaredPart, declaredParts } from "../../config/parts.ts";
import type { PlatformConfig } from "../../config/schema.ts";
import type { Route, StackView } from "./view.ts";

/** True once anything of a stack is on the engine: after a `down` nothing is missing. */
export const isUp = ({ parts, routes }: StackView): boolean => parts.length + routes.length > 0;

/** Containers that the stack file declares and the engine does not have, by name. */
export function missingParts(view: StackView, platform: PlatformConfig): DeclaredPart[] {
  const present = new Set(view.parts.map(({ name }) => name));
  const missing = declaredParts(view.stack, platform).filter(({ name }) => !present.has(name));
  return missing.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** The routes as the stack file declares them. Their upstreams hold for ever, a key may change. */
export function declaredRoutes(stack: string, { domain, ...platform }: PlatformConfig): Route[] {
  const clusters = sortedEntries(platform.clusters).map(
    ([key, cluster]): Route => ({
      ...{ key, kind: "cluster", state: "running", prefix: cluster.apiPrefix },
      hosts: [fullHost(cluster.host ?? key, domain)],
      upstream: physicalName(stack, "editor", identityOf(key, cluster)),
    }),
  );
  const tenants = sortedEntries(platform.tenants).map(
    ([key, tenant]): Route => ({
      ...{ key, kind: "tenant", state: tenant.state, prefix: "" },
      hosts: tenantHosts(key, tenant, domain),
      upstream: physicalName(stack, "tenant", identityOf(key, tenant)),
    }),
  );
  return [...clusters, ...tenants];
}
