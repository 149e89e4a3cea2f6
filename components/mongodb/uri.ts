/** A connection string in the parts that are exchanged; the rest stays as it was written. */
interface Parts {
  readonly scheme: string;
  readonly hosts: string;
  readonly options: readonly string[];
}

/** Options that say who logs in: they go with the login. */
const LOGIN = /^(authSource|authMechanism|authMechanismProperties)=/i;

/** The same servers, options and authority, with the login of a database's own user. */
export function databaseUri(uri: string, database: string, password: string): string {
  const { scheme, hosts, options } = parse(uri);
  const kept = [...options.filter((option) => !LOGIN.test(option)), `authSource=${database}`];
  return `${scheme}${database}:${password}@${hosts}/${database}?${kept.join("&")}`;
}

/** The same connection, encrypted, and trusted by this file. */
export function trusting(uri: string, caFile: string): string {
  const [rest = "", query = ""] = uri.split("?");
  const options = query
    .split("&")
    .filter((option) => option && !/^(tls|ssl|tlsCAFile)=/i.test(option));
  const all = [...options, "tls=true", `tlsCAFile=${encodeURIComponent(caFile)}`];
  return `${/\/\/[^/]*\//.test(rest) ? rest : `${rest}/`}?${all.join("&")}`;
}

/** Servers that a connection string names, as the agent reads them: `host:port`, or `srv:name` for a record. */
export function serversOf(uri: string): string[] {
  const { scheme, hosts } = parse(uri);
  if (scheme.includes("+srv")) return [`srv:${hosts}`];
  return hosts.split(",").map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`));
}

/** @throws for what is no connection string, without repeating it: it holds a password. */
function parse(uri: string): Parts {
  const match = /^(mongodb(?:\+srv)?:\/\/)(?:[^@/]*@)?([^/?@]+)(?:\/[^?]*)?(?:\?(.*))?$/.exec(
    uri.trim(),
  );
  const [, scheme, hosts, query = ""] = match ?? [];
  if (scheme === undefined || hosts === undefined) {
    throw new Error(
      "the secret that mongodb.external names is no connection string: mongodb://user:password@host:27017/",
    );
  }
  return { scheme, hosts, options: query.split("&").filter(Boolean) };
}
