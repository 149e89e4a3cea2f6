import { lookup, resolveSrv } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { log, reason } from "../log.ts";

/** A server of a store that somebody else runs, and the port that tenants may reach there. */
export interface Endpoint {
  address: string;
  port: number;
}

/**
 * The servers that the stack's connection strings name, one a line: `host:port`, or `srv:name` for a record that
 * lists them. Whatever was found last holds while a name does not resolve.
 */
export class ExternalStores {
  readonly #names: string[];
  readonly #found = new Map<string, Endpoint[]>();

  constructor(file: string | undefined) {
    const text = file === undefined ? "" : readFileSync(file, "utf8");
    this.#names = text.split("\n").filter(Boolean);
  }

  /** All of them as they resolve now. */
  async endpoints(): Promise<Endpoint[]> {
    await Promise.all(this.#names.map((name) => this.#find(name)));
    return [...this.#found.values()].flat();
  }

  async #find(name: string): Promise<void> {
    try {
      this.#found.set(name, await resolve(name));
    } catch (error) {
      log("warn", "cannot find a store that the stack names", { name, reason: reason(error) });
    }
  }
}

async function resolve(name: string): Promise<Endpoint[]> {
  if (name.startsWith("srv:")) {
    const servers = await resolveSrv(`_mongodb._tcp.${name.slice(4)}`);
    return (await Promise.all(servers.map((one) => addresses(one.name, one.port)))).flat();
  }
  const at = name.lastIndexOf(":");
  return addresses(name.slice(0, at), Number(name.slice(at + 1)));
}

async function addresses(host: string, port: number): Promise<Endpoint[]> {
  const found = await lookup(host.replace(/^\[(.*)\]$/, "$1"), { all: true });
  return found.map(({ address }) => ({ address, port }));
}
