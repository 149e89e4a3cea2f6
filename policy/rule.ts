import type { Resource } from "./resource.ts";

/** What a rule may ask of the configuration. */
export interface PolicyContext {
  /** Tenants and clusters whose erasure is confirmed, as the stack file names them. */
  readonly confirmDestroy: readonly string[];
}

/** A rule over one resource. */
export interface PolicyRule {
  readonly name: string;
  /** Type of the resources it looks at. */
  readonly type: string;
  /** What holds. */
  readonly rule: string;
  /** What to do about a resource that breaks it. */
  readonly fix: string;
  /** What was found instead; `undefined` when all is well. */
  readonly check: (resource: Resource, context: PolicyContext) => string | undefined;
}
