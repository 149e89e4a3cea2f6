import type * as docker from "@pulumi/docker";
import type { Process } from "../types.ts";

type Args = Partial<docker.ContainerArgs>;

/**
 * Files and connections that one process may have open, unless it asks for more. Engines differ from 1,024 to
 * a million: too few for a store or proxy, and with a million some programs walk through all of them. Four
 * times what a store can use with the connections it takes; some engines may give no more than 20,000.
 */
const OPEN_FILES = 16_384;

type Hardened = Pick<Process, "user" | "capabilities" | "openFiles">;

/**
 * What holds for every container of the platform, in one place: no root file system to write to, no
 * capabilities, no way to gain any, one numeric user, bounded logs, a real init.
 */
export function hardened({
  user,
  capabilities: kept = [],
  openFiles = OPEN_FILES,
}: Hardened): Args {
  return {
    user: `${user.uid}:${user.gid}`,
    readOnly: true,
    tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m" },
    capabilities: { drops: ["ALL"], adds: kept.length === 0 ? undefined : capabilities(kept) },
    securityOpts: ["no-new-privileges:true"],
    init: true,
    ulimits: [{ name: "nofile", soft: openFiles, hard: openFiles }],
    logDriver: "json-file",
    logOpts: { "max-file": "3", "max-size": "10m" },
    // Anonymous volumes would go with the container; there are none, and data never hangs on this flag.
    removeVolumes: true,
  };
}

/** Memory without swap beside it, and CPUs. Both limits together, or the engine refuses to raise one. */
export function limits({ memory, cpus }: { memory: number; cpus?: number | undefined }): Args {
  return { memory, memorySwap: memory, cpus: decimal(cpus) };
}

/** CPUs as the provider reports them: `1.0`, `0.5`. Written otherwise they differ for ever. */
function decimal(cpus: number | undefined): string | undefined {
  if (cpus === undefined) return undefined;
  return Number.isInteger(cpus) ? cpus.toFixed(1) : String(cpus);
}

/** Seconds as the engine reports them: `5s`, `1m0s`. */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}

/** A folder in memory, writable by the workload's user. */
export function scratch(user: Process["user"], paths: readonly string[]): Record<string, string> {
  const options = `rw,noexec,nosuid,nodev,size=16m,mode=0700,uid=${user.uid},gid=${user.gid}`;
  return Object.fromEntries(paths.map((path) => [path, options]));
}

/** Edits of these change the state but not the container (provider, measured): replace instead. */
export const REPLACED_FIELDS = ["healthcheck", "init", "tmpfs", "cpus"];

/** The provider reports capabilities with their prefix; written so there is no difference to report. */
function capabilities(names: readonly string[]): string[] {
  return names.map((name) => (name.startsWith("CAP_") ? name : `CAP_${name}`)).sort();
}
