import { createHash } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import type { Observed } from "../model.ts";
import type { Endpoint } from "./external.ts";

/** What the firewall is made of. */
export interface FirewallInput {
  stack: string;
  /** Bridges where tenants live: sealed. */
  tenantBridges: string[];
  /** The platform's other bridges: no way to the host or the metadata address. */
  platformBridges: string[];
  /** Addresses of the platform's containers inside tenant networks: no way out by those. */
  memberAddresses: string[];
  /** Ranges beside the private ones that tenants must not reach: the stack's own. */
  ownSubnets: string[];
  /** The host's name servers: the engine's resolver asks them for a container. */
  resolvers: string[];
  /** Servers of stores that somebody else runs: open to tenants in whatever range they are. */
  stores: Endpoint[];
}

// RFC 1918, RFC 6598, RFC 3927 (cloud metadata), this network, loopback, benchmarks, multicast,
// reserved; for IPv6 unique local, link local, multicast, loopback, and IPv4 in disguise.
const closed4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
];
const closed6 = ["::/96", "::ffff:0:0/96", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8"];
const metadata6 = ["fd00:ec2::254", "fd20:ce::254"];

const four = (addresses: string[]) => addresses.filter((one) => isIPv4(one.split("/")[0] ?? ""));
const six = (addresses: string[]) => addresses.filter((one) => one.includes(":"));
const sorted = (values: string[]) => [...new Set(values)].sort();

/** The input that a stack's objects and the host's resolvers call for. */
export function firewallInput(
  observed: Observed,
  host: { stack: string; subnet?: string; resolvers: string[]; stores?: Endpoint[] },
): FirewallInput {
  const tenants = observed.networks.filter((network) => network.component === "tenant");
  const others = observed.networks.filter((network) => network.component !== "tenant");
  const members = observed.containers.filter((container) => container.component !== "tenant");
  return {
    stack: host.stack,
    tenantBridges: sorted(tenants.map((network) => network.bridge)),
    platformBridges: sorted(others.map((network) => network.bridge)),
    memberAddresses: sorted(
      members.flatMap((one) => tenants.flatMap(({ name }) => one.networks.get(name) ?? [])),
    ),
    ownSubnets: sorted([
      ...(host.subnet ? [host.subnet] : []),
      ...observed.networks.flatMap((network) => network.subnets),
    ]),
    resolvers: sorted(host.resolvers),
    stores: host.stores ?? [],
  };
}

const servers = (stores: Endpoint[], version: 4 | 6) =>
  sorted(
    stores
      .filter(({ address }) => isIP(address) === version)
      .map(({ address, port }) => `${address} . ${port}`),
  );

function set(name: string, type: string, elements: string[], interval = false): string {
  const flags = interval ? "flags interval; auto-merge; " : "";
  const body = elements.length ? `elements = { ${elements.join(", ")} } ` : "";
  return `  set ${name} { type ${type}; ${flags}${body}}`;
}

function sets(input: FirewallInput): string[] {
  const quoted = (names: string[]) => names.map((name) => `"${name}"`);
  const own = input.tenantBridges.map((name) => `"${name}" . "${name}"`);
  return [
    set("tenants", "ifname", quoted(input.tenantBridges)),
    set("platform", "ifname", quoted(input.platformBridges)),
    set("within", "ifname . ifname", own),
    "  set held { type ifname; size 4096; flags dynamic; }",
    set("members4", "ipv4_addr", four(input.memberAddresses)),
    set("members6", "ipv6_addr", six(input.memberAddresses)),
    set("resolvers4", "ipv4_addr", four(input.resolvers)),
    set("resolvers6", "ipv6_addr", six(input.resolvers)),
    set("stores4", "ipv4_addr . inet_service", servers(input.stores, 4)),
    set("stores6", "ipv6_addr . inet_service", servers(input.stores, 6)),
    set("closed4", "ipv4_addr", sorted([...closed4, ...four(input.ownSubnets)]), true),
    set("closed6", "ipv6_addr", sorted([...closed6, ...six(input.ownSubnets)]), true),
  ];
}

/**
 * Connections at a time of one tenant to the document store, over all members. A runtime has a pool
 * of 8 and two watchers for each member, and what a hung member leaves behind counts for two minutes.
 * The store has a thread for every connection.
 */
const storeConnections = 96;

// Packets within one bridge pass here as well where br_netfilter is loaded.
const chains = `
  chain input {
    type filter hook input priority -10; policy accept;
    ct state established,related accept
    iifname @tenants jump host
    iifname @platform jump host
  }
  chain host {
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept
    jump names
    counter drop
  }
  chain names {
    ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept
    ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ct state established,related accept
    iifname @tenants jump tenant
    iifname @platform jump shared
  }
  chain tenant {
    iifname . oifname @within tcp dport 27017 add @held { iifname ct count over ${storeConnections} } counter drop
    iifname . oifname @within accept
    ip saddr @members4 counter drop
    ip6 saddr @members6 counter drop
    jump names
    ip daddr . tcp dport @stores4 accept
    ip6 daddr . tcp dport @stores6 accept
    ip daddr @closed4 counter drop
    ip6 daddr @closed6 counter drop
    oifname "br-*" counter drop
    oifname "docker*" counter drop
  }
  chain shared {
    jump names
    ip daddr 169.254.0.0/16 counter drop
    ip6 daddr { ${metadata6.join(", ")} } counter drop
  }`;

/** The table's name: one for each stack, so that two on an engine never meet. */
export const tableName = (stack: string) => `redfleet-${stack}`;

/**
 * The stack's table in nft's language, and a digest that it carries as its comment. A table of our
 * own needs no place in Docker's chains, works beside iptables of either kind (a drop anywhere is
 * final), is replaced in one transaction and removed in one.
 */
export function renderFirewall(input: FirewallInput): { text: string; digest: string } {
  const body = [...sets(input), chains].join("\n");
  const digest = createHash("sha256").update(body).digest("hex").slice(0, 16);
  const name = tableName(input.stack);
  const table = `table inet ${name} {\n  comment "${digest}"\n${body}\n}\n`;
  return { text: `table inet ${name}\ndelete table inet ${name}\n${table}`, digest };
}

/** Whether there is anything to guard. */
export function isNeeded(input: FirewallInput): boolean {
  return input.tenantBridges.length + input.platformBridges.length > 0;
}

const guarded = new Set(["edge", "editor", "replica", "tenant"]);

/** Whether a container is left, running or not, that the firewall is there for. */
export function guardsSomebody(observed: Observed): boolean {
  return observed.containers.some((container) => guarded.has(container.component));
}
