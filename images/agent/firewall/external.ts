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
 * lists them. Nothing waits for a resolver: whatever was found last holds until a name resolves to something else.
 */
export class ExternalStores {
  readonly #names: string[];
  readonly #changed: () => void;
  readonly #found = new Map<string, Endpoint[]>();
  readonly #asked = new Set<string>();
  #before: Endpoint[] | undefined;

  /** @param changed called when a name was found that is new, or somewhere else now. */
  constructor(file: string | undefined, changed: () => void) {
    const text = file === undefined ? "" : readFileSync(file, "utf8");
    this.#names = text.split("\n").filter(Boolean);
    this.#changed = changed;
  }

  /**
   * All that is known, at once.
   * @param inForce what an agent before this one found; asked for once, it counts until each name was found.
   */
  async endpoints(inForce: () => Promise<Endpoint[]>): Promise<Endpoint[]> {
    const found = [...this.#found.values()].flat();
    if (this.#found.size === this.#names.length) return found;
    this.#before ??= await inForce();
    return [...this.#before, ...found];
  }

  /** Asks for all names anew; returns at once. One that is still asked for is not asked for twice. */
  refresh(): void {
    for (const name of this.#names.filter((one) => !this.#asked.has(one))) {
      this.#asked.add(name);
      void this.#find(name).finally(() => this.#asked.delete(name));
    }
  }

  async #find(name: string): Promise<void> {
    try {
      const endpoints = await resolve(name);
      const text = (of: Endpoint[] | undefined) => JSON.stringify(of?.map(spelled).sort());
      const same = text(endpoints) === text(this.#found.get(name));
      this.#found.set(name, endpoints);
      if (!same) this.#changed();
    } catch (error) {
      log("warn", "cannot find a store that the stack names", { name, reason: reason(error) });
    }
  }
}

const spelled = ({ address, port }: Endpoint) => `${address} ${port}`;

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
