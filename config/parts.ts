import { sortedEntries } from "./canonical.ts";
import { identityOf } from "./identity.ts";
import { type ComponentName, physicalName } from "./names.ts";
import type { PlatformConfig } from "./schema.ts";

/** A container that a stack has for as long as it is up; jobs come and go. */
export interface DeclaredPart {
  /** Container, host and DNS name alike. */
  readonly name: string;
  readonly component: ComponentName;
  /** Key of its cluster or tenant, empty for the others. */
  readonly key: string;
}

/** Every container that a stack file asks for, in no order. Which ones the program makes is held to this by a test. */
export function declaredParts(stack: string, config: PlatformConfig): DeclaredPart[] {
  const { mongodb, valkey } = config;
  const each = (component: ComponentName, count: number, key = "", ...identity: string[]) =>
    Array.from(
      { length: count },
      (_, member): DeclaredPart => ({
        ...{ name: physicalName(stack, component, ...identity, member), component, key },
      }),
    );
  const one = (component: ComponentName, key = "", ...identity: string[]): DeclaredPart => ({
    ...{ name: physicalName(stack, component, ...identity), component, key },
  });
  const clusters = sortedEntries(config.clusters).flatMap(([key, cluster]) => {
    const identity = identityOf(key, cluster);
    return [one("editor", key, identity), ...each("replica", cluster.apiReplicas, key, identity)];
  });
  const tenants = sortedEntries(config.tenants)
    .filter(([, { state }]) => state === "running")
    .map(([key, tenant]) => one("tenant", key, identityOf(key, tenant)));
  return [
    ...(mongodb.external === undefined ? each("mongodb", mongodb.members) : []),
    ...(valkey.external === undefined
      ? [...each("valkey", valkey.replicas + 1), ...each("sentinel", valkey.sentinels)]
      : []),
    ...[one("edge"), one("agent"), ...clusters, ...tenants],
  ];
}
