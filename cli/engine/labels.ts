/** Labels on every object that Redfleet owns on an engine. */
export const LABEL = {
  stack: "redfleet.stack",
  component: "redfleet.component",
  name: "redfleet.name",
  member: "redfleet.member",
  routeKind: "redfleet.route.kind",
  routeHosts: "redfleet.route.hosts",
  routeState: "redfleet.route.state",
  routeUpstream: "redfleet.route.upstream",
  routeApi: "redfleet.route.api",
  routePrefix: "redfleet.route.prefix",
} as const;

/** An engine filter for one stack's objects. */
export const ofStack = (stack: string): { label: string[] } => ({
  label: [`${LABEL.stack}=${stack}`],
});
