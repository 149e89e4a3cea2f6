import { componentOf, isUnknown, labelOf, list, type Resource, TYPES } from "./resource.ts";

/** A rule over one resource: says what is wrong, or nothing. */
export interface PolicyRule {
  readonly name: string;
  readonly description: string;
  /** Type of the resources it looks at. */
  readonly type: string;
  readonly check: (resource: Resource) => string | undefined;
}

/** Containers that hold files for others: never started, so nothing about a process applies. */
function holdsFiles(resource: Resource): boolean {
  return resource.props.start === false;
}

function containerRule(
  name: string,
  description: string,
  check: (resource: Resource) => string | undefined,
): PolicyRule {
  const running = (resource: Resource) => (holdsFiles(resource) ? undefined : check(resource));
  return { name, description, type: TYPES.container, check: running };
}

/** Components whose ports and data are nobody's business outside. */
const STORES = ["mongodb", "valkey", "sentinel"];
/** Components whose volumes hold what cannot be made again. */
const KEEPERS = [...STORES, "editor"];

const SOCKET = /\.sock$/;
const DIGEST_TAG = /^redfleet\/[a-z0-9-]+:[0-9a-f]{16}$/;
const PINNED = /@sha256:[0-9a-f]{64}$/;

export const RULES: readonly PolicyRule[] = [
  {
    name: "image-by-digest",
    description: "Images are named by a digest of their content; `latest` never.",
    type: TYPES.image,
    check: ({ props }) => {
      const name = String(props.name);
      if (DIGEST_TAG.test(name) || PINNED.test(name)) return undefined;
      return `image ${name} is not named by a digest`;
    },
  },
  containerRule("limits-set", "Memory, swap and processes are limited.", (resource) => {
    const { memory, memorySwap } = resource.props;
    if (typeof memory !== "number" || memory <= 0) return "has no memory limit";
    if (memorySwap !== memory) return "may swap: memorySwap differs from memory";
    const known = !isUnknown(resource.props.labels) && resource.props.labels !== undefined;
    return known && labelOf(resource, "redfleet.pids") === undefined
      ? "has no limit of processes (label redfleet.pids)"
      : undefined;
  }),
  containerRule("ports-only-at-the-edge", "Only the edge publishes ports.", (resource) => {
    if (list(resource.props.ports).length === 0) return undefined;
    return componentOf(resource) === "edge" ? undefined : "publishes a port of the host";
  }),
  containerRule("grace-set", "What runs gets time to stop.", ({ props }) => {
    if (props.attach === true) return undefined;
    return Number(props.destroyGraceSeconds) > 0 ? undefined : "is killed when it is replaced";
  }),
  containerRule("health-checked", "What runs is checked and waited for.", ({ props }) => {
    if (props.attach === true) return undefined;
    if (props.healthcheck === undefined) return "has no health check";
    return props.wait === true ? undefined : "is not waited for";
  }),
  containerRule("no-secret-in-environment", "Secrets are files.", ({ props }) => {
    const names = list(props.envs).map((entry) => String(entry).split("=", 1)[0] ?? "");
    const bad = names.filter(
      (name) => /(PASSWORD|SECRET|TOKEN|KEY|URI)$/i.test(name) && !name.endsWith("_FILE"),
    );
    return bad.length === 0 ? undefined : `has a secret in its environment: ${bad.join(", ")}`;
  }),
  containerRule("read-only-root", "The root file system is read-only.", ({ props }) =>
    props.readOnly === true ? undefined : "may write to its root file system",
  ),
  containerRule("capabilities-dropped", "All capabilities are dropped.", (resource) => {
    const { drops, adds } = (resource.props.capabilities ?? {}) as Record<string, unknown>;
    if (!list(drops).includes("ALL")) return "keeps the engine's capabilities";
    const allowed = componentOf(resource) === "agent" ? ["CAP_NET_ADMIN"] : [];
    const more = list(adds).filter((name) => !allowed.includes(String(name)));
    return more.length === 0 ? undefined : `adds capabilities: ${more.join(", ")}`;
  }),
  containerRule("no-new-privileges", "No process gains privileges.", ({ props }) => {
    if (props.privileged === true) return "is privileged";
    const options = list(props.securityOpts).map(String);
    if (options.some((option) => option.includes("unconfined"))) return "runs unconfined";
    return options.includes("no-new-privileges:true") ? undefined : "may gain privileges";
  }),
  containerRule("numeric-user", "A numeric user, and root only for the agent.", (resource) => {
    const user = String(resource.props.user ?? "");
    if (!/^\d+:\d+$/.test(user)) return `has the user ${JSON.stringify(user)}, not uid:gid`;
    return user.startsWith("0:") && componentOf(resource) !== "agent" ? "runs as root" : undefined;
  }),
  containerRule("socket-only-in-the-agent", "Only the agent gets the engine.", (resource) => {
    const mounts = list(resource.props.mounts).map((mount) => mount as Record<string, unknown>);
    const host = resource.props.networkMode === "host";
    const socket = mounts.some(({ source }) => SOCKET.test(String(source)));
    const bind = mounts.some(({ type, source }) => type === "bind" && !SOCKET.test(String(source)));
    if (bind) return "mounts a folder of the host";
    if (componentOf(resource) === "agent") return undefined;
    if (socket) return "mounts the engine's socket";
    return host ? "is in the host's network" : undefined;
  }),
  {
    name: "data-kept",
    description: "Volumes with data are protected or outlive their resource.",
    type: TYPES.volume,
    check: (resource) => {
      const keeps = KEEPERS.includes(componentOf(resource) ?? "");
      if (!keeps || resource.protect || resource.retainOnDelete) return undefined;
      return "holds data and is deleted with its resource";
    },
  },
];

/** A rule that a resource breaks. */
export interface Violation {
  readonly rule: string;
  readonly urn: string;
  readonly message: string;
}

/** Everything that the rules have against these resources. */
export function violations(resources: readonly Resource[]): Violation[] {
  return resources.flatMap((resource) =>
    RULES.filter(({ type }) => type === resource.type).flatMap(({ name, check }) => {
      const message = check(resource);
      return message === undefined ? [] : [{ rule: name, urn: resource.urn, message }];
    }),
  );
}
