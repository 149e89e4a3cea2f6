import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { sortedEntries } from "../../../config/canonical.ts";
import { jobFailure } from "../../job-failure.ts";
import type { Job, Needs, Owner, Placed, Process, Workload } from "../types.ts";
import { duration, hardened, limits, REPLACED_FIELDS, scratch } from "./defaults.ts";
import { FILES_IMAGE, FILES_PATH, type PlacedFiles, placeFiles } from "./files.ts";
import { labels } from "./labels.ts";
import type { Registry } from "./registry.ts";

/** The host's socket of the engine, for the one workload that gets it. */
export interface EngineSocket {
  readonly path: string;
}

/** A container that runs for ever and is healthy before anything that needs it is made. */
export function makeWorkload(
  owner: Owner,
  plan: Workload,
  registry: Registry,
  socket: EngineSocket,
  needs: Needs,
): Placed {
  const image = registry.images.get(plan.image).resource;
  const files = placeFiles(owner, plan, registry.images.get(FILES_IMAGE).resource);
  const args: docker.ContainerArgs = {
    ...processArgs(plan, image, files, registry),
    ...(plan.engineAccess ? engineAccess(plan, files, socket) : {}),
    ports: plan.ports?.map(({ address, host, container }) => ({
      ip: address,
      external: host,
      internal: container,
    })),
    healthcheck: healthcheck(plan.health),
    restart: "unless-stopped",
    wait: true,
    waitTimeout: plan.waitSeconds,
    // Without it a delete is a kill: the provider stops with a time-out of 0.
    destroyGraceSeconds: plan.graceSeconds,
    stopTimeout: plan.graceSeconds,
  };
  return { ready: container(owner, plan, args, files, registry, needs) };
}

/** A container that runs to its end. Who needs it waits for exit code 0. */
export function makeJob(owner: Owner, plan: Job, registry: Registry, needs: Needs): Placed {
  const image = registry.images.get(plan.image).resource;
  const files = placeFiles(owner, plan, registry.images.get(FILES_IMAGE).resource);
  const args: docker.ContainerArgs = {
    ...processArgs(plan, image, files, registry),
    attach: true,
    logs: true,
    mustRun: false,
    restart: "no",
    ...(plan.inNetworkOf === undefined ? {} : sharedNetwork(plan.inNetworkOf)),
  };
  const made = container(owner, plan, args, files, registry, needs, {
    customTimeouts: { create: `${plan.timeoutSeconds}s` },
    // The engine answers with the id of the container whose network it is.
    ignoreChanges: plan.inNetworkOf === undefined ? [] : ["networkMode"],
    additionalSecretOutputs: ["containerLogs"],
  });
  return { ready: succeeded(plan, made) };
}

/** The network of another container: its host name comes with it. */
function sharedNetwork(name: string) {
  return { networkMode: `container:${name}`, hostname: undefined };
}

/** Fails the deployment, without a stack trace, when the job did not end with 0. */
function succeeded(plan: Job, job: docker.Container): pulumi.Output<pulumi.Resource> {
  return job.exitCode.apply((code) => {
    if (!code) return job;
    throw new pulumi.RunError(jobFailure(plan.identity.stack, plan.name, code));
  });
}

function container(
  owner: Owner,
  plan: Process,
  args: docker.ContainerArgs,
  files: PlacedFiles | undefined,
  registry: Registry,
  needs: Needs,
  opts: pulumi.CustomResourceOptions = {},
): docker.Container {
  const volumes = (plan.mounts ?? []).map(({ volume }) => registry.volumes.get(volume));
  const holders = files === undefined ? [] : [files.holder];
  return new docker.Container(plan.id, args, {
    parent: owner,
    // One name, one address, one port: the old container has to go before the new one comes.
    deleteBeforeReplace: true,
    replaceOnChanges: REPLACED_FIELDS,
    dependsOn: [...volumes, ...holders, ...needs.map(({ ready }) => ready)],
    ...opts,
  });
}

function processArgs(
  plan: Process,
  image: docker.RemoteImage,
  files: PlacedFiles | undefined,
  registry: Registry,
): docker.ContainerArgs {
  const safe = hardened(plan);
  return {
    ...safe,
    ...limits(plan),
    name: plan.name,
    // The id, not the name: the engine reports the id, and a name would differ from it for ever.
    image: image.imageId,
    command: [...plan.command],
    hostname: plan.name,
    envs: sortedEntries({ ...plan.environment }).map(([name, value]) => `${name}=${value}`),
    tmpfs: { ...(safe.tmpfs as Record<string, string>), ...scratch(plan.user, plan.scratch ?? []) },
    mounts: mounts(plan, files),
    networksAdvanced: plan.networks.map(({ network, address, aliases }) => ({
      name: registry.networks.get(network).name,
      ipv4Address: address,
      aliases: aliases === undefined ? undefined : [...aliases],
    })),
    hosts: plan.hosts?.map(({ name, address }) => ({ host: name, ip: address })),
    labels: containerLabels(plan, files),
  };
}

/** The pids limit as a label: the provider cannot set it, the agent applies it. */
function containerLabels(plan: Process, files: PlacedFiles | undefined) {
  const pids = { "redfleet.pids": String(plan.pids) };
  if (files === undefined) return labels(plan.identity, pids);
  return labels(plan.identity, { ...pids, "redfleet.files": files.digest });
}

function mounts(plan: Process, files: PlacedFiles | undefined) {
  const own = (plan.mounts ?? []).map(({ volume, path, readOnly }) => ({
    type: "volume",
    source: volume,
    target: path,
    readOnly: readOnly ?? false,
  }));
  if (files === undefined) return own;
  return [...own, { type: "volume", source: files.volume, target: FILES_PATH, readOnly: true }];
}

function engineAccess(plan: Workload, files: PlacedFiles | undefined, socket: EngineSocket) {
  const bind = {
    type: "bind",
    source: socket.path,
    target: "/var/run/docker.sock",
    readOnly: false,
  };
  return { networkMode: "host", hostname: undefined, mounts: [...mounts(plan, files), bind] };
}

function healthcheck(health: Workload["health"]) {
  return {
    tests: ["CMD", ...health.command],
    interval: duration(health.intervalSeconds),
    timeout: duration(health.timeoutSeconds),
    retries: health.retries,
    startPeriod: duration(health.startPeriodSeconds),
  };
}
