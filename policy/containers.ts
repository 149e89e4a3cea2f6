import { componentOf, isAgent, labelOf, list, type Resource, shown, TYPES } from "./resource.ts";
import type { PolicyRule } from "./rule.ts";

type Check = (resource: Resource) => string | undefined;

/** A rule over what runs. Containers that hold files for others never start. */
function ofContainers(name: string, rule: string, fix: string, check: Check): PolicyRule {
  const running: Check = (resource) =>
    resource.props.start === false ? undefined : check(resource);
  return { name, rule, fix, type: TYPES.container, check: running };
}

/** Like {@link ofContainers}, without what runs once and ends. */
function ofServices(name: string, rule: string, fix: string, check: Check): PolicyRule {
  const lasting: Check = (resource) =>
    resource.props.attach === true ? undefined : check(resource);
  return ofContainers(name, rule, fix, lasting);
}

const SOCKET = /\.sock$/;
const SECRET_NAME = /(PASSWORD|SECRET|TOKEN|KEY|URI)$/i;

/** What runs people's flows, and where it finds the agent's word that it may. */
const RUNTIMES = ["tenant", "editor", "replica"];
const SEAL = "/run/seal";

/** What every container has to be, wherever it comes from. */
export const CONTAINER_RULES: readonly PolicyRule[] = [
  ofContainers(
    "limits-set",
    "memory, swap and processes are limited",
    "set memory, memorySwap to the same, and the label redfleet.pids",
    (resource) => {
      const { memory, memorySwap } = resource.props;
      const bounded = typeof memory === "number" && memory > 0 && memorySwap === memory;
      if (!bounded) return shown(resource.props, "memory", "memorySwap");
      const pids = labelOf(resource, "redfleet.pids");
      return Number(pids) > 0 ? undefined : `redfleet.pids ${pids ?? "nothing"}`;
    },
  ),
  ofContainers(
    "ports-only-at-the-edge",
    "only the edge publishes ports of the host",
    "remove ports, and expose a host name instead",
    (resource) => {
      const none = list(resource.props.ports).length === 0;
      return none || componentOf(resource) === "edge" ? undefined : shown(resource.props, "ports");
    },
  ),
  ofServices(
    "grace-set",
    "what runs gets time to stop",
    "set destroyGraceSeconds above 0",
    ({ props }) =>
      Number(props.destroyGraceSeconds) > 0 ? undefined : shown(props, "destroyGraceSeconds"),
  ),
  ofServices(
    "health-checked",
    "what runs is checked and waited for",
    "set healthcheck and wait: true",
    ({ props }) =>
      props.healthcheck !== undefined && props.wait === true
        ? undefined
        : shown(props, "healthcheck", "wait"),
  ),
  ofContainers(
    "no-secret-in-environment",
    "secrets are files, and the environment is plain",
    "write it to a file and set the variable <NAME>_FILE to its path",
    ({ props }) => {
      // Names only: the value may be the secret.
      const names = list(props.envs).map((entry) => String(entry).split("=", 1)[0] ?? "");
      const bad = names.filter((name) => SECRET_NAME.test(name) || name.startsWith("("));
      return bad.length === 0 ? undefined : `envs ${bad.join(", ")}`;
    },
  ),
  ofContainers(
    "read-only-root",
    "the root file system is read-only",
    "set readOnly: true, and give it scratch folders or a volume",
    ({ props }) => (props.readOnly === true ? undefined : shown(props, "readOnly")),
  ),
  ofContainers(
    "capabilities-dropped",
    "all capabilities are dropped; the agent keeps NET_ADMIN",
    'set capabilities.drops to ["ALL"] and leave adds out',
    (resource) => {
      const { drops, adds } = (resource.props.capabilities ?? {}) as Record<string, unknown>;
      const allowed = isAgent(resource) ? ["CAP_NET_ADMIN"] : [];
      const more = list(adds).filter((name) => !allowed.includes(String(name)));
      const dropped = list(drops).includes("ALL") && more.length === 0;
      return dropped ? undefined : shown(resource.props, "capabilities");
    },
  ),
  ofContainers(
    "no-new-privileges",
    "no process gains privileges or runs unconfined",
    'leave privileged out and set securityOpts to ["no-new-privileges:true"]',
    ({ props }) => {
      const options = list(props.securityOpts).map(String);
      const unconfined = options.some((option) => option.includes("unconfined"));
      const confined = options.includes("no-new-privileges:true") && !unconfined;
      return confined && !props.privileged ? undefined : shown(props, "privileged", "securityOpts");
    },
  ),
  ofContainers(
    "numeric-user",
    "the user is uid:gid in numbers, and root only for the agent",
    'set user, like "1000:1000"',
    (resource) => {
      const numeric = /^(\d+):\d+$/.exec(String(resource.props.user));
      const root = Number(numeric?.[1]) === 0 && !isAgent(resource);
      return numeric !== null && !root ? undefined : shown(resource.props, "user");
    },
  ),
  ofContainers(
    "starts-sealed",
    "a runtime loads no flow before the agent has sealed its network",
    "mount sealMount() read-only and set REDFLEET_SEAL_FILE to SEAL_FILE",
    (resource) => {
      if (!RUNTIMES.includes(componentOf(resource) ?? "") || resource.props.attach)
        return undefined;
      const waits = list(resource.props.envs).includes(`REDFLEET_SEAL_FILE=${SEAL}/sealed.json`);
      const mount = list(resource.props.mounts).find((one) => isAt(one, SEAL));
      if (waits && (mount as { readOnly?: unknown } | undefined)?.readOnly === true)
        return undefined;
      return `REDFLEET_SEAL_FILE ${waits ? "set" : "nothing"}, mount ${JSON.stringify(mount) ?? "nothing"}`;
    },
  ),
  ofContainers(
    "apart-from-the-host",
    "no folder, device or namespace of the host; the agent has the engine's socket and the network",
    "use a volume and a network of the platform",
    (resource) => {
      const { props } = resource;
      const foreign = list(props.mounts).filter((mount) => !isOwnMount(mount, isAgent(resource)));
      if (foreign.length > 0) return `mounts ${JSON.stringify(foreign)}`;
      const mode = String(props.networkMode ?? "container:");
      const networked = mode.startsWith("container:") || (mode === "host" && isAgent(resource));
      const names = HOSTS_OWN.filter((name) => list(props[name]).length > 0);
      if (!networked) names.push("networkMode");
      return names.length === 0 ? undefined : shown(props, ...names);
    },
  ),
];

/** Properties that would lead a container to what is the host's or another container's. */
const HOSTS_OWN = [
  ...["volumes", "devices", "gpus", "pidMode", "ipcMode", "usernsMode", "cgroupnsMode"],
];

const isAt = (mount: unknown, path: string) => (mount as { target?: unknown }).target === path;

function isOwnMount(mount: unknown, agent: boolean): boolean {
  const { type, source } = mount as { type?: unknown; source?: unknown };
  return type === "volume" || (agent && type === "bind" && SOCKET.test(String(source)));
}
