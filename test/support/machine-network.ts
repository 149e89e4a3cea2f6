import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { capture, type Running, start } from "./process.ts";
import { succeeded } from "./stack.ts";
import { until } from "./wait.ts";

/** A pair of devices between this machine and one inside it, told by the process that made them. */
interface Link {
  readonly device: string;
  readonly subnet: string;
  readonly outside: string;
  readonly inside: string;
}

/** Small enough for the networks that stand in this machine's way, which knows 1400 at times. */
const MTU = "1400";
const FORWARD = "/proc/sys/net/ipv4/ip_forward";
/** What this machine had there, as long as it differs because of a machine inside it. */
const FOUND = "/var/tmp/redfleet-ip-forward";

/** The link that a process's machine has. */
export function linkOf(owner: number): Link {
  const prefix = `10.203.${(owner >> 6) & 255}`;
  const first = (owner & 63) * 4;
  return {
    device: `rfm${owner}`,
    subnet: `${prefix}.${first}/30`,
    outside: `${prefix}.${first + 1}`,
    inside: `${prefix}.${first + 2}`,
  };
}

/** Gives the network of a process a way out through this machine. */
export async function connect(owner: number, pid: number): Promise<void> {
  const { device, outside, inside } = linkOf(owner);
  const within = ["nsenter", "--target", String(pid), "--net"];
  const peer = ["type", "veth", "peer", "name", "eth0", "netns", String(pid)];
  await command(["ip", "link", "add", device, "mtu", MTU, ...peer]);
  await command(["ip", "address", "add", `${outside}/30`, "dev", device]);
  await command(["ip", "link", "set", device, "up"]);
  await command([...within, "ip", "address", "add", `${inside}/30`, "dev", "eth0"]);
  for (const name of ["lo", "eth0"]) {
    await command([...within, "ip", "link", "set", name, "up"]);
  }
  await command([...within, "ip", "route", "add", "default", "via", outside]);
  forward();
  for (const rule of rules(owner)) await command(["iptables", ...rule("-I")]);
}

/** An address that the link's machine may have beside its own: one for documentation, which counts as public. */
export const publicAddressOf = (owner: number): string => `198.51.100.${1 + (owner % 254)}`;

/** Passes on what comes to a port of an address: `address port target`. */
const RELAY = `const [address, port, target] = process.argv.slice(1);
const { connect, createServer } = require("node:net");
createServer((from) => {
  const to = connect(Number(port), target);
  from.pipe(to).pipe(from);
  from.on("error", () => to.destroy());
  to.on("error", () => from.destroy());
}).listen(Number(port), address, () => console.log("listens"));`;

/**
 * Gives the machine of a process its public address, with a port that leads to the same one of this machine's end
 * of the link. @returns what passes it on; the address ends with the machine.
 */
export async function givePublicAddress(
  owner: number,
  pid: number,
  port: number,
): Promise<Running> {
  const { device, outside, inside } = linkOf(owner);
  const address = publicAddressOf(owner);
  const within = ["--target", String(pid), "--net"];
  await command(["nsenter", ...within, "ip", "address", "add", `${address}/32`, "dev", "lo"]);
  await command(["ip", "route", "add", `${address}/32`, "via", inside, "dev", device]);
  const relay = [process.execPath, "-e", RELAY, address, String(port), outside];
  const running = start("nsenter", [...within, ...relay], { seconds: 3600 });
  await until("the relay", () => running.said().includes("listens"));
  return running;
}

/** Takes the way out away; the devices have ended with the machine. */
export async function disconnect(owner: number): Promise<void> {
  for (const rule of rules(owner)) await capture("iptables", rule("-D"));
  stopForwarding(owner);
}

/** Lets this machine hand on packets. */
function forward(): void {
  const found = readFileSync(FORWARD, "utf8").trim();
  if (found === "1") return;
  writeFileSync(FOUND, found);
  writeFileSync(FORWARD, "1");
}

/** Puts back what was found, unless another process has a machine. */
function stopForwarding(owner: number): void {
  const links = readdirSync("/sys/class/net").filter((name) => /^rfm\d+$/.test(name));
  if (!existsSync(FOUND) || links.some((name) => name !== linkOf(owner).device)) return;
  writeFileSync(FORWARD, readFileSync(FOUND));
  rmSync(FOUND);
}

/** The firewall rules of a link, to be put in (`-I`) or taken out (`-D`). */
function rules(owner: number): ((action: "-I" | "-D") => string[])[] {
  const { device, subnet } = linkOf(owner);
  const masquerade = ["-s", subnet, "!", "-o", device, "-j", "MASQUERADE"];
  return [
    (action) => ["-w", "-t", "nat", action, "POSTROUTING", ...masquerade],
    (action) => ["-w", action, "FORWARD", "-i", device, "-j", "ACCEPT"],
    (action) => ["-w", action, "FORWARD", "-o", device, "-j", "ACCEPT"],
  ];
}

async function command([program = "", ...args]: readonly string[]): Promise<void> {
  succeeded(await capture(program, args));
}
