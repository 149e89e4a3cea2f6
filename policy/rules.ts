import { confirmation } from "../config/destruction.ts";
import { CONTAINER_RULES } from "./containers.ts";
import { componentOf, isAgent, labelOf, type Resource, shown, TYPES } from "./resource.ts";
import type { PolicyContext, PolicyRule } from "./rule.ts";

const DIGEST_TAG = /^redfleet\/[a-z0-9-]+:[0-9a-f]{16}$/;
const PINNED = /@sha256:[0-9a-f]{64}$/;

/** Components whose volumes are records, or are filled anew by whoever starts. */
const REMADE = ["route", "files", "replica"];
/** What the agent writes again when it starts; its authority it can not. */
const AGENT_REMAKES = /-(config|run|seal|stores-[a-z]+)$/;

export const RULES: readonly PolicyRule[] = [
  {
    name: "image-by-digest",
    type: TYPES.image,
    rule: "an image is named by a digest of its content, never by a tag that moves",
    fix: "name it by imageTag() or with @sha256:",
    check: ({ props }) => {
      const name = String(props.name);
      return DIGEST_TAG.test(name) || PINNED.test(name) ? undefined : shown(props, "name");
    },
  },
  ...CONTAINER_RULES,
  {
    name: "data-kept",
    type: TYPES.volume,
    rule: "a volume that nothing can fill again is protected, or outlives its resource",
    fix: 'make it "protected" or "retained"; confirmDestroy erases a tenant or cluster',
    check: (resource, { confirmDestroy }) => {
      if (resource.protect || resource.retainOnDelete || isRemade(resource)) return undefined;
      if (isConfirmed(resource, confirmDestroy)) return undefined;
      return `protect ${resource.protect}, retainOnDelete ${resource.retainOnDelete}`;
    },
  },
];

/** Volumes of a tenant or cluster whose erasure the stack file confirms. */
function isConfirmed(resource: Resource, confirmDestroy: readonly string[]): boolean {
  const identity = labelOf(resource, "redfleet.name") ?? "";
  const component = componentOf(resource) ?? "";
  if (component === "tenant") return confirmDestroy.includes(identity);
  const ofCluster = ["editor", "credentials"].includes(component);
  return ofCluster && confirmDestroy.includes(confirmation({ kind: "cluster", identity }));
}

function isRemade(resource: Resource): boolean {
  if (isAgent(resource)) return AGENT_REMAKES.test(String(resource.props.name));
  return REMADE.includes(componentOf(resource) ?? "");
}

/** A rule that a resource breaks. Reads as `resource: got X; rule; fix`. */
export interface Violation {
  readonly rule: PolicyRule;
  /** Logical name of the resource. */
  readonly resource: string;
  readonly got: string;
}

/** Everything that the rules have against a resource. */
export function violations(resource: Resource, context: PolicyContext): Violation[] {
  return RULES.filter(({ type }) => type === resource.type).flatMap((rule) => {
    const got = rule.check(resource, context);
    return got === undefined ? [] : [{ rule, resource: resource.name, got }];
  });
}

/** Heading and all violations, one a line, as those of the configuration. */
export function formatViolations(found: readonly Violation[]): string {
  const count = found.length === 1 ? "1 resource breaks" : `${found.length} resources break`;
  const lines = found.map(
    ({ rule, resource, got }) =>
      `  ${resource}: got ${got}; ${rule.rule}; ${rule.fix} [${rule.name}]`,
  );
  return [`${count} the platform's policy; nothing was changed:`, ...lines.sort()].join("\n");
}
