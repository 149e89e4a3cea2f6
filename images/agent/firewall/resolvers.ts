import { getServers } from "node:dns";

/** `1.2.3.4`, `1.2.3.4:53`, `fd00::1` and `[fd00::1]:53` → the address alone. */
export function addressOf(server: string): string {
  const bracketed = /^\[(.+)\]/.exec(server)?.[1];
  if (bracketed) return bracketed;
  return server.split(":").length === 2 ? (server.split(":")[0] ?? server) : server;
}

/** The host's name servers: with host networking the container has the host's resolv.conf. */
export const hostResolvers = () => getServers().map(addressOf);
