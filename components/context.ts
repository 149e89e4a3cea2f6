import { physicalName } from "../config/names.ts";
import { defaultSubnet } from "../config/network.ts";
import type { Pace } from "../config/pace.ts";
import type { PlatformConfig } from "../config/schema.ts";
import type { RegistryConfig } from "../config/sections/modules.ts";

/** What every plan needs to know of the stack as a whole. Plain values. */
export interface PlanContext {
  readonly stack: string;
  readonly pace: Pace;
  readonly domain: string;
  /** HTTPS port that browsers see. */
  readonly httpsPort: number;
  /** The edge's certificates come from the platform's own CA. */
  readonly ownCa: boolean;
  readonly subnet: string;
  readonly networks: { readonly data: string; readonly edge: string };
  /** The npm registry of all runtimes; undefined: npm's own. */
  readonly registry: RegistryConfig | undefined;
}

/** The context of a configuration. */
export function planContext(
  stack: string,
  config: PlatformConfig,
  pace: Pace = "in turn",
): PlanContext {
  return {
    stack,
    pace,
    domain: config.domain,
    httpsPort: config.edge.https,
    ownCa: config.edge.tls.mode === "ownCa",
    subnet: config.target.subnet ?? defaultSubnet(stack),
    networks: { data: physicalName(stack, "data"), edge: physicalName(stack, "edge") },
    registry: config.registry,
  };
}

/** `https://acme.example.org`, with the port where it is not 443. */
export function publicUrl(context: PlanContext, host: string, path = ""): string {
  const port = context.httpsPort === 443 ? "" : `:${context.httpsPort}`;
  return `https://${host}${port}${path}`;
}

/** The environment that every process of the platform has. */
export function commonEnvironment(
  stack: string,
  component: string,
  name?: string,
  member?: number,
): Record<string, string> {
  return {
    REDFLEET_STACK: stack,
    REDFLEET_COMPONENT: component,
    ...(name === undefined ? {} : { REDFLEET_NAME: name }),
    ...(member === undefined ? {} : { REDFLEET_MEMBER: String(member) }),
  };
}
