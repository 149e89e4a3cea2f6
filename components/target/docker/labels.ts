import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../types.ts";

/** A label as the provider wants it. */
export interface Label {
  readonly label: string;
  readonly value: pulumi.Input<string>;
}

/** `redfleet.*` labels of an identity, and others beside them; sorted, as every list in a diff. */
export function labels(
  identity: Identity,
  more: Readonly<Record<string, pulumi.Input<string>>> = {},
): Label[] {
  const all: Record<string, pulumi.Input<string>> = {
    "redfleet.stack": identity.stack,
    "redfleet.component": identity.component,
    ...(identity.key === undefined ? {} : { "redfleet.name": identity.key }),
    ...(identity.member === undefined ? {} : { "redfleet.member": String(identity.member) }),
    ...more,
  };
  return Object.keys(all)
    .sort()
    .map((label) => ({ label, value: all[label] ?? "" }));
}
