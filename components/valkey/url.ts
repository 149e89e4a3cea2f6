import type { ValkeyAddress, ValkeySettings } from "../../images/node-red/runtime/environment.ts";

/** What a connection string says; which keys are ours is not in it. */
export type Connection = Omit<ValkeySettings, "prefix">;

const SERVER = { port: 6379, schemes: ["redis", "rediss", "valkey", "valkeys"] };
const SENTINEL = {
  port: 26379,
  schemes: ["redis-sentinel", "rediss-sentinel", "valkey-sentinel", "valkeys-sentinel"],
};

const MAX_PORT = 65_535;

const SHAPE =
  /^(?<scheme>[a-z-]+):\/\/(?:(?<login>[^@/?#]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<database>\d{0,5}))?(?:\?(?<query>[^#]*))?(?:#(?<master>[\w.-]+))?$/;

/**
 * Reads `rediss://user:password@host:6379/0` or, for Sentinels, Lettuce's form
 * `rediss-sentinel://user:password@host1:26379,host2/0?sentinelUsername=u&sentinelPassword=p#primary`
 * (https://redis.github.io/lettuce/user-guide/connecting-redis/); `valkey` stands for `redis` as well.
 * @param authority PEM that its certificates are checked by; without one public authorities are
 * @throws for what is no connection string, without repeating it: it holds a password
 */
export function valkeyConnection(url: string, authority?: string): Connection {
  const { scheme = "", login, hosts = "", database, query, master } = parts(url);
  const group = scheme.endsWith("-sentinel");
  const addresses = hosts.split(",").map((host) => address(host, (group ? SENTINEL : SERVER).port));
  const [server, ...others] = addresses;
  if (server === undefined || (others.length > 0 && !group)) throw noUrl();
  const options = new URLSearchParams(query);
  return {
    ...(group ? { sentinels: addresses, ...(master && { masterName: master }) } : { server }),
    ...credentials(login),
    ...(database && { database: Number(database) }),
    ...named("sentinelUsername", options.get("sentinelUsername")),
    ...named("sentinelPassword", options.get("sentinelPassword")),
    ...(/^(redis|valkey)s/.test(scheme) && {
      tls: authority === undefined ? {} : { ca: authority },
    }),
  };
}

function parts(url: string): Record<string, string | undefined> {
  const groups = SHAPE.exec(url.trim())?.groups;
  const known = [...SERVER.schemes, ...SENTINEL.schemes];
  if (groups === undefined || !known.includes(groups.scheme ?? "")) throw noUrl();
  return groups;
}

function address(text: string, defaultPort: number): ValkeyAddress {
  const [, host, port] = /^(\[[\da-f:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const number = Number(port ?? defaultPort);
  if (host === undefined || number < 1 || number > MAX_PORT) throw noUrl();
  return { host: host.replace(/^\[|\]$/g, ""), port: number };
}

/** `user:password`, or `:password` for the server's default user. */
function credentials(login: string | undefined) {
  const [, username = "", password = ""] = /^([^:]*):?(.*)$/.exec(login ?? "") ?? [];
  return {
    ...named("username", decoded(username)),
    ...named("password", decoded(password)),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw noUrl();
  }
}

const named = (name: string, value: string | null) => (value ? { [name]: value } : {});

function noUrl(): Error {
  return new Error(
    "a secret that valkey.external names is no connection string: rediss://user:password@host:6379/0 or rediss-sentinel://user:password@host1:26379,host2:26379/0#primary",
  );
}
