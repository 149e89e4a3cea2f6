import * as pulumi from "@pulumi/pulumi";
import { show } from "../config/errors.ts";

/** A resource as a rule sees it: as the program declares it, before the engine hears of it. */
export interface Resource {
  readonly type: string;
  /** Logical name: `dev-tenant-acme.data`. */
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
}

export const TYPES = {
  container: "docker:index/container:Container",
  volume: "docker:index/volume:Volume",
  image: "docker:index/remoteImage:RemoteImage",
} as const;

/** Stands for a value that the program does not know yet. No rule accepts it where it looks. */
const COMPUTED = "(computed)";

/** A declaration with plain values only. */
export function resourceOf(args: pulumi.ResourceTransformationArgs): Resource {
  const { protect, retainOnDelete } = args.opts as pulumi.CustomResourceOptions;
  return {
    ...{ type: args.type, name: args.name },
    props: plain(args.props) as Record<string, unknown>,
    protect: protect ?? false,
    retainOnDelete: retainOnDelete ?? false,
  };
}

function plain(value: unknown): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) return COMPUTED;
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Value of a `redfleet.*` label. */
export function labelOf(resource: Resource, label: string): string | undefined {
  return list(resource.props.labels)
    .map((entry) => entry as { label?: unknown; value?: unknown })
    .filter((entry) => entry.label === label)
    .map((entry) => String(entry.value))[0];
}

/** What the resource is: its `redfleet.component`. */
export function componentOf(resource: Resource): string | undefined {
  return labelOf(resource, "redfleet.component");
}

/** The one container with a hold on the engine and the host's network. */
export const isAgent = (resource: Resource): boolean => componentOf(resource) === "agent";

/** A property as a list: nothing is an empty one, a single value a list of it. */
export function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Properties as a message shows them: `readOnly false`, `memory nothing`. */
export function shown(props: Readonly<Record<string, unknown>>, ...names: string[]): string {
  return names.map((name) => `${name} ${show(props[name]) ?? "nothing"}`).join(", ");
}
