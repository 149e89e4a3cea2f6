import { createHash } from "node:crypto";

/** Where the fixed addresses of each store start in the last byte of the data network. */
const FIRST_ADDRESS = { mongodb: 10, valkey: 20, sentinel: 30 } as const;

export type FixedComponent = keyof typeof FIRST_ADDRESS;

/**
 * The subnet of a stack that names none: 10.<64..127>.<0..255>.0/24 from a hash of its name. Stable, so
 * a second run never moves a network; two stacks on one engine meet in 1 of 16384 cases, and then the
 * engine refuses and `target.subnet` settles it.
 */
export function defaultSubnet(stack: string): string {
  const hash = createHash("sha256").update(`redfleet:${stack}`).digest();
  return `10.${64 + ((hash[0] ?? 0) % 64)}.${hash[1] ?? 0}.0/24`;
}

/** A private IPv4 /24 in canonical form (`10.1.2.0/24`). */
export function isDataSubnet(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.0\/24$/.exec(text);
  if (!match) return false;
  const [a, b, c] = match.slice(1).map(Number) as [number, number, number];
  const plain = [a, b, c].join(".") === text.slice(0, -".0/24".length);
  return plain && b <= 255 && c <= 255 && isPrivate(a, b);
}

/** The fixed address of a store's member. Sentinels need addresses: a stopped name leaves DNS. */
export function memberAddress(subnet: string, component: FixedComponent, member: number): string {
  return `${subnetPrefix(subnet)}.${FIRST_ADDRESS[component] + member}`;
}

/** Gateway, and the upper half where the engine may hand out addresses by itself. */
export function subnetLayout(subnet: string): { gateway: string; dynamicRange: string } {
  const prefix = subnetPrefix(subnet);
  return { gateway: `${prefix}.1`, dynamicRange: `${prefix}.128/25` };
}

/** `127.0.0.1`, `0.0.0.0`, `192.168.1.10`: an IPv4 address without a leading zero. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part) && isByte(part));
}

function isByte(part: string): boolean {
  return Number(part) <= 255 && String(Number(part)) === part;
}

function isPrivate(a: number, b: number): boolean {
  return a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
}

function subnetPrefix(subnet: string): string {
  return subnet.split(".").slice(0, 3).join(".");
}
