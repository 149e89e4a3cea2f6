import { sortedEntries } from "./canonical.ts";
import type { PlatformConfig } from "./schema.ts";

/** A host name that something answers, and where in the configuration it comes from. */
export interface HostClaim {
  readonly host: string;
  readonly path: string;
  /** What was written, for messages. */
  readonly written: string;
}

/** `acme` -> `acme.<domain>`; a full name stays. */
export function fullHost(label: string, domain: string): string {
  return label.includes(".") ? label : `${label}.${domain}`;
}

/** A tenant's host names: its own first, then its aliases. */
export function tenantHosts(
  key: string,
  tenant: { host?: string | undefined; aliases: readonly string[] },
  domain: string,
): string[] {
  return [fullHost(tenant.host ?? key, domain), ...tenant.aliases.map((a) => fullHost(a, domain))];
}

/** Every host name that the platform answers, clusters first, in key order. */
export function hostClaims(config: PlatformConfig): HostClaim[] {
  const { domain } = config;
  const own =
    (section: string) =>
    ([key, entry]: [string, { host?: string | undefined }]) => ({
      host: fullHost(entry.host ?? key, domain),
      path: entry.host === undefined ? `${section}.${key}` : `${section}.${key}.host`,
      written: entry.host ?? key,
    });
  const aliases = sortedEntries(config.tenants).flatMap(([key, tenant]) =>
    tenant.aliases.map((alias, index) => ({
      host: fullHost(alias, domain),
      path: `tenants.${key}.aliases.${index}`,
      written: alias,
    })),
  );
  return [
    ...sortedEntries(config.clusters).map(own("clusters")),
    ...sortedEntries(config.tenants).map(own("tenants")),
    ...aliases,
  ];
}
