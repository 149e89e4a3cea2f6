/** A resource as a rule sees it, whether from a policy pack or from `pulumi preview --json`. */
export interface Resource {
  readonly urn: string;
  readonly type: string;
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

/** Value of a `redfleet.*` label; `undefined` when labels are absent or not known yet. */
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

/** A property as a list; anything else is an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Values that the engine does not know in a preview are given as this string, or as nothing. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** True for a property that a preview cannot show yet. */
export function isUnknown(value: unknown): boolean {
  return value === UNKNOWN;
}
