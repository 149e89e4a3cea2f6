import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerInfo } from "dockerode";
import { LABEL } from "../engine/labels.ts";
import { CliError } from "../errors.ts";
import { commandLine } from "./process.ts";

/** Where the stack's edge is to listen. */
export interface Ports {
  address: string;
  https: number;
  http: number;
}

/** A running container as the engine lists it; only what is used here. */
export type Publisher = Pick<ContainerInfo, "Names" | "Labels" | "Ports">;

/** Time that the engine has to say which container has a port: it binds the port first, and gives it back last. */
const ENGINE_MS = 5000;
const AGAIN_MS = 250;

/**
 * Refuses to begin when another program, or another stack, has a port that the edge needs.
 * @param list the engine's running containers
 */
export async function assertPortsFree(
  list: () => Promise<readonly Publisher[]>,
  stack: string,
  { address, https, http }: Ports,
): Promise<void> {
  for (const [key, port] of Object.entries({ https, http })) {
    const why = await holderBut(stack, list, address, port);
    if (why === undefined) continue;
    throw new CliError({
      what: `port ${port} on ${address} is taken (edge.${key})`,
      why,
      fix: `end that program, or set another edge.${key} in Pulumi.${stack}.yaml`,
    });
  }
}

/** Who else holds a port; undefined when it is free or the stack's own. */
async function holderBut(
  stack: string,
  list: () => Promise<readonly Publisher[]>,
  address: string,
  port: number,
): Promise<string | undefined> {
  for (const end = performance.now() + ENGINE_MS; ; await sleep(AGAIN_MS)) {
    const containers = await list();
    const container = publisherOf(containers, address, port);
    if (container?.Labels[LABEL.stack] === stack) return undefined;
    if (!container && (await tryToListen(address, port)) !== "EADDRINUSE") return undefined;
    const holder = describeHolder(containers, address, port);
    if (!holder.includes("docker-proxy") || performance.now() > end) return holder;
  }
}

/** Listens for a moment; returns the error's code, or nothing if it worked. */
export function tryToListen(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address, port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

/** Who holds a port that is taken, for people: `by the container dev-edge`. */
export function describeHolder(
  containers: readonly Publisher[],
  address: string,
  port: number,
): string {
  const container = publisherOf(containers, address, port);
  return container ? `by the container ${container.Names[0]?.slice(1)}` : processOn(port);
}

const publisherOf = (containers: readonly Publisher[], address: string, port: number) =>
  containers.find(({ Ports: ports }) =>
    ports.some(({ IP, PublicPort }) => PublicPort === port && overlap(IP, address)),
  );

/** True if one port cannot be had on both addresses: they are one, or one of them means all. */
function overlap(a: string | undefined, b: string): boolean {
  const all = (address: string | undefined) =>
    !address || address === "0.0.0.0" || address === "::";
  return a === b || all(a) || all(b);
}

/** Names the process that listens on a TCP port of this machine, as far as this user may see it. */
function processOn(port: number): string {
  const inodes = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => listeners(file, port)),
  );
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
        const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
        const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
        if (inode && inodes.has(inode)) return `by process ${pid}: ${commandLine(Number(pid))}`;
      }
    } catch {
      // ended, or another user's
    }
  }
  return "by another program";
}

/** Inodes of the sockets that listen on a port; state 0A is LISTEN in the kernel's table. */
function listeners(file: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync(file, "utf8").split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === "0A")
    .map((fields) => fields[9] ?? "");
}
