import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { ROOT } from "../context.ts";
import type { Engine } from "../engine/client.ts";
import { LABEL } from "../engine/labels.ts";
import { LOCAL } from "../pulumi/places.ts";
import { bytes, type Check, fail, ok, warn } from "./check.ts";

/** Oldest engine API that the tests have run against (Docker 20.10). */
const API = 1.41;
const DISK = { fail: 1 * 2 ** 30, warn: 5 * 2 ** 30 };

/** What is read of the engine's description of itself. */
export interface EngineInfo {
  Driver: string;
  CgroupDriver: string;
  CgroupVersion?: string;
  MemTotal: number;
  NCPU: number;
  MemoryLimit: boolean;
  SwapLimit: boolean;
  PidsLimit?: boolean;
  DockerRootDir: string;
}

/** The engine itself: version, drivers, limits that it can enforce, memory and disk. */
export async function checkEngine(docker: Engine): Promise<Check[]> {
  const [version, info] = await Promise.all([
    docker.version(),
    docker.info() as Promise<EngineInfo>,
  ]);
  return [
    checkVersion(version.Version, version.ApiVersion),
    checkDrivers(info),
    checkLimits(info),
    await checkMemory(docker, info),
    ...(await Promise.all([checkDisk("disk of the engine", info.DockerRootDir)])).flat(),
    // May be a file system of its own; it comes with the first set-up.
    ...(await checkDisk("disk of the clone", existsSync(LOCAL) ? LOCAL : ROOT)),
  ];
}

export function checkVersion(version: string, api: string): Check {
  const detail = `Docker ${version}, API ${api}`;
  if (Number(api) >= API) return ok("engine", detail);
  return warn("engine", `${detail}: older than any that was tried`, "upgrade it to 20.10 or newer");
}

export function checkDrivers(info: EngineInfo): Check {
  const cgroup = `cgroup v${info.CgroupVersion ?? "1"} by ${info.CgroupDriver}`;
  const detail = `storage ${info.Driver}, ${cgroup}`;
  if (info.Driver !== "vfs") return ok("drivers", detail);
  return warn("drivers", `${detail}: vfs copies whole images`, "use overlay2 (daemon.json)");
}

/** A limit that the kernel does not enforce protects nobody. */
export function checkLimits(info: EngineInfo): Check {
  const missing = [
    ...(info.MemoryLimit ? [] : ["memory"]),
    ...(info.SwapLimit ? [] : ["swap"]),
    ...(info.PidsLimit === false ? ["process count"] : []),
  ];
  if (missing.length === 0) return ok("limits", "memory, swap and process count are enforced");
  const fix = "boot with cgroup_enable=memory swapaccount=1, or use cgroup v2";
  return warn("limits", `not enforced: ${missing.join(", ")}`, fix);
}

async function checkMemory(docker: Engine, info: EngineInfo): Promise<Check> {
  const running = await docker.listContainers({ filters: { label: [LABEL.stack] } });
  const limits = await Promise.all(
    running.map(async ({ Id }) => (await docker.getContainer(Id).inspect()).HostConfig.Memory ?? 0),
  );
  const sum = limits.reduce((total, limit) => total + limit, 0);
  return judgeMemory(`memory of ${limits.length} containers`, sum, info.MemTotal);
}

/** Limits may add up to more than there is, but then the kernel picks whom to kill. */
export function judgeMemory(name: string, sum: number, total: number): Check {
  const detail = `limits add up to ${bytes(sum)} of ${bytes(total)}`;
  if (sum <= total) return ok(name, detail);
  return warn(name, detail, "lower memory limits in the stack file, or add memory");
}

async function checkDisk(name: string, path: string): Promise<Check[]> {
  // a remote engine's folder is not here: nothing to say about it
  const found = await statfs(path).catch(() => undefined);
  return found ? [judgeDisk(name, path, found.bavail * found.bsize)] : [];
}

export function judgeDisk(name: string, path: string, free: number): Check {
  const detail = `${bytes(free)} free at ${path}`;
  const fix = "docker system prune removes unused images and build caches";
  if (free < DISK.fail) return fail(name, detail, fix);
  return free < DISK.warn ? warn(name, detail, fix) : ok(name, detail);
}
