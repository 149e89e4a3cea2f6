import { lookup } from "node:dns/promises";
import { type Room, tooFewNetworks } from "../engine/pools.ts";
import { describeHolder, type Publisher, tryToListen } from "../setup/ports.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** Where a stack's edge listens on the host. */
export interface EdgeAddress {
  domain: string;
  address: string;
  http: number;
  https: number;
}

/** Ports that the stack's own edge holds right now. */
export type OwnPorts = ReadonlySet<number>;

/**
 * The edge's ports and the names that must lead to it.
 * @param containers what runs on the engine, whoever's it is
 */
export async function checkNetwork(
  edge: EdgeAddress,
  own: OwnPorts,
  containers: readonly Publisher[],
): Promise<Check[]> {
  return Promise.all([
    checkPort("port for HTTP", edge.address, edge.http, own, containers),
    checkPort("port for HTTPS", edge.address, edge.https, own, containers),
    checkName(edge),
  ]);
}

/** Whether the engine has addresses for the networks that are still to be made. */
export function judgeRoom(room: Room): Check {
  const problem = tooFewNetworks(room);
  if (problem) return fail("networks", problem.what, problem.fix ?? "");
  return ok("networks", `${room.needed} to be made, room for ${room.free}`);
}

async function checkPort(
  name: string,
  address: string,
  port: number,
  own: OwnPorts,
  containers: readonly Publisher[],
): Promise<Check> {
  const where = `${address}:${port}`;
  if (own.has(port)) return ok(name, `${where} is held by this stack's edge`);
  const code = await tryToListen(address, port);
  if (code === undefined) return ok(name, `${where} is free`);
  if (code === "EADDRINUSE") {
    const holder = describeHolder(containers, address, port);
    return fail(
      name,
      `${where} is taken ${holder}`,
      "end that program, or change edge in the file",
    );
  }
  return fail(name, `${where}: ${code}`, "choose another address or port for edge in the file");
}

/** Any label must do: tenants come and go without a change of DNS. */
async function checkName({ domain, address }: EdgeAddress): Promise<Check> {
  const name = "name resolution";
  const host = `redfleet-doctor.${domain}`;
  const found = await lookup(host, { all: true }).catch(() => []);
  const addresses = found.map((one) => one.address);
  return judgeName(name, host, address, addresses);
}

export function judgeName(
  name: string,
  host: string,
  address: string,
  found: readonly string[],
): Check {
  const wildcard = host.replace(/^[^.]+/, "*");
  if (found.length > 0) {
    const detail = `${wildcard} is ${found.join(", ")}`;
    const fits = address === "0.0.0.0" || found.includes(address);
    return fits ? ok(name, detail) : warn(name, detail, `point it to ${address}`);
  }
  if (host.endsWith(".localhost")) {
    const detail = `${wildcard} is not known to this host's resolver`;
    return warn(
      name,
      detail,
      "browsers and curl know it; others: apt-get install libnss-myhostname",
    );
  }
  const fix = `add a wildcard record ${wildcard} that points to this host`;
  return warn(name, `${wildcard} does not resolve`, fix);
}
