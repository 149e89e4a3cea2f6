import * as pulumi from "@pulumi/pulumi";
import { sortedEntries } from "../config/canonical.ts";
import { stackFlag } from "../config/hints.ts";
import { caPath } from "../config/local.ts";
import type { PlanContext } from "./context.ts";
import type { Cluster } from "./node-red/component.ts";
import type { Tenant } from "./tenant/component.ts";

/** The stack's outputs. */
export interface PlatformOutputs {
  readonly domain: string;
  readonly httpsPort: number;
  readonly clusters: Record<string, { url: string; apiUrl: string }>;
  readonly tenants: Record<string, { url: string; aliases: readonly string[]; state: string }>;
  /**
   * File with the certificate of the platform's own CA, from the clone; `redfleet up` and `redfleet status`
   * copy it there. Null where certificates are given.
   */
  readonly caFile: string | null;
  /** Passwords of the first users, masked. */
  readonly passwords: pulumi.Output<{
    clusters: Record<string, string>;
    tenants: Record<string, string>;
  }>;
  /** What to do next, in a sentence. */
  readonly next: string;
}

/** Collects what people need to know after an `up`. */
export function outputsOf(
  { domain, httpsPort, stack, ownCa }: PlanContext,
  clusters: Readonly<Record<string, Cluster>>,
  tenants: Readonly<Record<string, Tenant>>,
): PlatformOutputs {
  return {
    domain,
    httpsPort,
    clusters: mapEntries(clusters, ({ url, apiUrl }) => ({ url, apiUrl })),
    tenants: mapEntries(tenants, ({ url, aliases, state }) => ({ url, aliases, state })),
    caFile: ownCa ? caPath(stack) : null,
    passwords: pulumi.secret({
      clusters: mapEntries(clusters, ({ firstPassword }) => firstPassword),
      tenants: mapEntries(tenants, ({ firstPassword }) => firstPassword),
    }),
    next: next(stack, clusters),
  };
}

function next(stack: string, clusters: Readonly<Record<string, Cluster>>): string {
  const [first] = sortedEntries({ ...clusters });
  if (first === undefined) return `Add a cluster or tenant to Pulumi.${stack}.yaml.`;
  const [key, { url }] = first;
  return `Open ${url} and log in as admin: npx redfleet password ${key}${stackFlag(stack)}`;
}

function mapEntries<T, R>(map: Readonly<Record<string, T>>, make: (entry: T) => R) {
  return Object.fromEntries(sortedEntries({ ...map }).map(([key, entry]) => [key, make(entry)]));
}
