import { createHash } from "node:crypto";

/** A DNS label, and with it a container name and a host name, is at most 63 characters long. */
export const LABEL_MAX = 63;
/** A full host name: 253 characters (RFC 1035). */
export const HOST_MAX = 253;

/** Keys of tenants, clusters and templates: they become DNS labels and database names. */
export const KEY_PATTERN = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;
export const KEY_RULE = "lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters";

/** What an object on the engine is; the second word of its name and its `redfleet.component` label. */
export const COMPONENTS = [
  "mongodb",
  "valkey",
  "sentinel",
  "edge",
  "agent",
  "editor",
  "replica",
  "credentials",
  "tenant",
  "job",
  "route",
  "files",
] as const;

/** Stands for the component in the DNS name that the replicas of a cluster share. */
export const REPLICAS_ALIAS = "api";

export type ComponentName = (typeof COMPONENTS)[number];

/** Host labels that stay with the platform: console, access, broker and registry. */
export const RESERVED_HOSTS: readonly string[] = [
  ...["www", "api", "app", "admin", "console", "ops", "editor", "auth", "status", "mqtt"],
  ...["broker", "npm", "registry", "node-red", "nodered", "help", "support", "account"],
  ...["accounts", "billing", "egress"],
];

/**
 * `<stack>-<component>[-<name>][-<member>]`: container name, DNS name and host name alike. Longer than
 * a DNS label it is cut, and a hash of the whole keeps two long names apart.
 */
export function physicalName(stack: string, component: string, ...rest: (string | number)[]) {
  const full = [stack, component, ...rest].join("-");
  if (full.length <= LABEL_MAX) return full;
  const hash = createHash("sha256").update(full).digest("hex").slice(0, 10);
  return `${full.slice(0, LABEL_MAX - 11).replace(/-+$/, "")}-${hash}`;
}

/**
 * Why a stack name cannot start names, or `undefined` if it can. No word of it may be a component: then
 * the names of two stacks never meet (`dev` and `dev-tenant` would share `dev-tenant-tenant-a`).
 */
export function stackNameProblem(stack: string): string | undefined {
  if (!/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/.test(stack)) {
    return "lowercase a-z, 0-9 and -, starts with a letter, at most 20 characters";
  }
  const words: readonly string[] = [...COMPONENTS, REPLICAS_ALIAS, "cluster", "data"];
  const clash = stack.split("-").find((word) => words.includes(word));
  return clash === undefined ? undefined : `no word of it may be ${JSON.stringify(clash)}`;
}

/** A bare DNS name in lower case: labels of letters, digits and dashes, no port, no scheme, no star. */
export function isDnsName(text: string): boolean {
  return text.length <= HOST_MAX && text.split(".").every(isDnsLabel) && !/^[\d.]+$/.test(text);
}

/** One part of a DNS name. */
export function isDnsLabel(text: string): boolean {
  return text.length <= LABEL_MAX && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text);
}
