import { declaredParts } from "../../config/parts.ts";
import type { PlatformConfig } from "../../config/schema.ts";
import { declaredRoutes, isUp } from "./declared.ts";
import type { Status } from "./status.ts";
import type { StackView } from "./view.ts";

/** What is judged of a cluster, a tenant or a component. */
interface Judged {
  readonly state: string;
  readonly reason: string;
}

/** Everything that is not as the stack file declares it, one line each; empty when all is. */
export function differences(view: StackView, status: Status, platform: PlatformConfig): string[] {
  if (!isUp(view)) return [`nothing of the stack "${view.stack}" is on this engine`];
  const routes = declaredRoutes(view.stack, platform);
  const parts = new Set(declaredParts(view.stack, platform).map(({ name }) => name));
  const judge = (kind: "cluster" | "tenant", key: string, judged: Judged): string[] => {
    const route = routes.find((one) => one.kind === kind && one.key === key);
    return route
      ? deviation(`${kind} ${key}`, judged, route.state)
      : [undeclared(`${kind} ${key}`)];
  };
  const keys = new Set([...Object.keys(status.clusters), ...Object.keys(status.tenants)]);
  const known = new Set(routes.map(({ key }) => key));
  // Those of a cluster or tenant that is not declared are said with it.
  const surplus = view.parts.filter(
    ({ name, key }) => !parts.has(name) && (known.has(key) || !keys.has(key)),
  );
  return [
    ...Object.entries(status.clusters).flatMap(([key, one]) => judge("cluster", key, one)),
    ...Object.entries(status.tenants).flatMap(([key, one]) => judge("tenant", key, one)),
    ...Object.entries(status.components).flatMap(([name, one]) =>
      parts.has(name) ? deviation(name, one, "running") : [],
    ),
    ...surplus.map(({ name }) => undeclared(name)),
  ];
}

const undeclared = (name: string): string =>
  `${name}: is there, and the stack file does not declare it`;

function deviation(name: string, { state, reason }: Judged, wanted: string): string[] {
  if (state === wanted) return [];
  return [`${name}: ${state}${reason ? ` (${reason})` : ""}, the stack file says ${wanted}`];
}
