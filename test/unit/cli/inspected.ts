import type { ContainerInspectInfo } from "dockerode";
import { type Part, partOf } from "../../../cli/engine/part.ts";

interface Differences {
  state?: object;
  host?: object;
  config?: object;
  restarts?: number;
}

/**
 * What a real engine (20.10) answered for a replica, cut to the fields that are read, with the
 * differences of another container.
 */
export function inspected(
  name: string,
  component: string,
  key: string,
  differences: Differences = {},
): ContainerInspectInfo {
  return {
    Id: `id-of-${name}`,
    Name: `/${name}`,
    RestartCount: differences.restarts ?? 0,
    State: {
      Status: "running",
      Running: true,
      StartedAt: "2026-01-01T00:00:00.5Z",
      OOMKilled: false,
      ExitCode: 0,
      Error: "",
      Health: { Status: "healthy", FailingStreak: 0, Log: [{ ExitCode: 0, Output: "" }] },
      ...differences.state,
    },
    HostConfig: {
      PortBindings: {},
      RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 },
      Memory: 268_435_456,
      ...differences.host,
    },
    Config: {
      Env: ["PATH=/usr/bin", "REDFLEET_DOMAIN=t.localhost", "ODD=a=b"],
      Labels: {
        "redfleet.stack": "t",
        "redfleet.component": component,
        "redfleet.name": key,
        "redfleet.member": "0",
      },
      ...differences.config,
    },
  } as unknown as ContainerInspectInfo;
}

/** The same, read. */
export function part(...args: Parameters<typeof inspected>): Part {
  return partOf(inspected(...args));
}
