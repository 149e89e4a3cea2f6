import { identityOf } from "../../config/identity.ts";
import { physicalName } from "../../config/names.ts";
import type { Explanation } from "../errors.ts";
import type { Engine } from "./client.ts";

/** Addresses that an engine makes networks of: parts of `Base`, each with a prefix of `Size` bits. */
export interface Pool {
  Base: string;
  Size: number;
}

/** A network as the engine lists it; only what is used here. */
export interface Network {
  Name: string;
  IPAM?: { Config?: { Subnet?: string }[] | null };
}

/** How many more networks an engine can make, and how many a stack still needs of it. */
export interface Room {
  free: number;
  needed: number;
}

/** What an engine uses that is told nothing (moby, libnetwork/ipamutils): 31 networks. */
const STOCK: readonly Pool[] = [
  ...["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16"].map((Base) => ({ Base, Size: 16 })),
  ...["172.20.0.0/14", "172.24.0.0/14", "172.28.0.0/14"].map((Base) => ({ Base, Size: 16 })),
  { Base: "192.168.0.0/16", Size: 20 },
];

/** Asks the engine what it has for a stack: the network of the edge and one for each tenant, by its identity. */
export async function readRoom(
  docker: Engine,
  stack: string,
  tenants: Readonly<Record<string, { renamedFrom?: string | undefined }>>,
): Promise<Room> {
  const identities = Object.entries(tenants).map(([key, tenant]) => identityOf(key, tenant));
  const wanted = [
    physicalName(stack, "edge"),
    ...identities.map((identity) => physicalName(stack, "tenant", identity)),
  ];
  const [info, networks] = await Promise.all([
    docker.info() as Promise<{ DefaultAddressPools?: Pool[] | null }>,
    docker.listNetworks(),
  ]);
  return roomOf(info.DefaultAddressPools, networks, wanted);
}

/** What is the matter, or undefined if there is room enough. */
export function tooFewNetworks({ free, needed }: Room): Explanation | undefined {
  if (needed <= free) return undefined;
  return {
    what: `the engine has addresses for ${free} more networks, and the stack needs ${needed}`,
    why: "each tenant has a network of its own; an engine's own address pools hold 31",
    fix: 'remove unused networks (docker network prune), or put "default-address-pools": [{"base": "172.20.0.0/14", "size": 24}] into /etc/docker/daemon.json and restart the engine',
  };
}

/**
 * @param pools as the engine tells them; it tells none if they are the stock ones
 * @param wanted names of networks that get their addresses from them
 */
export function roomOf(
  pools: readonly Pool[] | null | undefined,
  networks: readonly Network[],
  wanted: readonly string[],
): Room {
  const taken = networks
    .flatMap(({ IPAM }) => IPAM?.Config ?? [])
    .map(({ Subnet }) => rangeOf(Subnet))
    .filter((range) => range !== undefined);
  const slots = (pools?.length ? pools : STOCK).flatMap(slotsOf);
  const free = slots.filter((slot) => !taken.some((range) => overlaps(range, slot)));
  const present = new Set(networks.map(({ Name }) => Name));
  return { free: free.length, needed: wanted.filter((name) => !present.has(name)).length };
}

/** First and last address, as numbers. */
type Range = readonly [number, number];

const overlaps = (a: Range, b: Range): boolean => a[0] <= b[1] && b[0] <= a[1];

/** More than any stack needs: a pool with a small size has millions. */
const MOST_SLOTS = 4096;

function slotsOf({ Base, Size }: Pool): Range[] {
  const range = rangeOf(Base);
  if (!range) return [];
  const width = 2 ** (32 - Size);
  const count = Math.min(Math.floor((range[1] - range[0] + 1) / width), MOST_SLOTS);
  return Array.from({ length: count }, (_, index): Range => {
    const first = range[0] + index * width;
    return [first, first + width - 1];
  });
}

/** Of IPv4 in CIDR notation; undefined for anything else. */
function rangeOf(cidr = ""): Range | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  if (!match) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number);
  const width = 2 ** (32 - prefix);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = address - (address % width);
  return [first, first + width - 1];
}
