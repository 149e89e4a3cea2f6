import type { ContainerInspectInfo } from "dockerode";
import { LABEL } from "./labels.ts";

/** One container of a stack, as far as the command line needs to know it. */
export interface Part {
  id: string;
  /** Container, host and DNS name alike: `dev-replica-main-0`. */
  name: string;
  /** What it is: `mongodb`, `replica`, `tenant`, … */
  component: string;
  /** Key of its cluster or tenant, empty for the others. */
  key: string;
  /** Ordinal among its equals. */
  member: number | undefined;
  /** The engine's word: created, running, paused, restarting, removing, exited, dead. */
  status: string;
  /** The health check's verdict; `none` without a check. */
  health: string;
  /** Output of the newest failed health check. */
  healthOutput: string;
  /** When its process started last, RFC 3339. */
  startedAt: string;
  exitCode: number;
  oomKilled: boolean;
  /** The engine's own complaint, for instance that a port is taken. */
  engineError: string;
  /** True if the engine starts it again by itself after a crash. */
  restarts: boolean;
  restartCount: number;
  environment: Record<string, string>;
  /** Published ports by container port: `8443/tcp` -> 8443. */
  ports: Record<string, number>;
  /** Memory limit in bytes, 0 for none. */
  memory: number;
  /** Seconds the engine waits between SIGTERM and SIGKILL when it stops it. */
  stopTimeout: number;
}

/** The engine's own default for containers that do not say. */
const STOP_TIMEOUT = 10;

/** Reads the engine's description of a container. */
export function partOf(info: ContainerInspectInfo): Part {
  const labels = info.Config.Labels ?? {};
  const health = info.State.Health;
  const failed = health?.Log?.findLast((entry) => entry.ExitCode !== 0);
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ""),
    component: labels[LABEL.component] ?? "",
    key: labels[LABEL.name] ?? "",
    member: labels[LABEL.member] === undefined ? undefined : Number(labels[LABEL.member]),
    status: info.State.Status,
    health: health?.Status ?? "none",
    healthOutput: health?.Status === "unhealthy" ? (failed?.Output ?? "").trim() : "",
    startedAt: info.State.StartedAt,
    exitCode: info.State.ExitCode,
    oomKilled: info.State.OOMKilled,
    engineError: info.State.Error,
    restarts: !["", "no"].includes(info.HostConfig.RestartPolicy?.Name ?? ""),
    restartCount: info.RestartCount,
    environment: environmentOf(info.Config.Env ?? []),
    ports: portsOf(info.HostConfig.PortBindings),
    memory: info.HostConfig.Memory ?? 0,
    stopTimeout: (info.Config as { StopTimeout?: number }).StopTimeout ?? STOP_TIMEOUT,
  };
}

function environmentOf(entries: readonly string[]): Record<string, string> {
  const split = (entry: string) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  };
  return Object.fromEntries(entries.map(split));
}

/** The bindings asked for, not those in force: they are known while the container is down too. */
function portsOf(bindings: ContainerInspectInfo["HostConfig"]["PortBindings"]) {
  const entries = Object.entries((bindings ?? {}) as Record<string, { HostPort: string }[] | null>);
  return Object.fromEntries(
    entries.flatMap(([port, hosts]) => (hosts?.[0] ? [[port, Number(hosts[0].HostPort)]] : [])),
  );
}
