import type { Problem } from "../errors.ts";
import { type HostClaim, hostClaims } from "../hosts.ts";
import {
  HOST_MAX,
  isDnsLabel,
  isDnsName,
  KEY_PATTERN,
  LABEL_MAX,
  RESERVED_HOSTS,
} from "../names.ts";
import { problem, type Rule } from "./rule.ts";

const LABEL_RULE = "a DNS label (a-z, 0-9, -) or, as an alias, a full DNS name";

/** Domain, host labels and aliases: well-formed, not reserved, each claimed once. */
export const hostRules: Rule = (config) => {
  const claims = hostClaims(config);
  return [
    ...domainProblems(config.domain),
    ...claims.flatMap((claim) => formProblems(claim, config.domain)),
    ...clashes(claims),
  ];
};

function domainProblems(domain: string): Problem[] {
  const long = domain.split(".").find((label) => label.length > LABEL_MAX);
  if (long !== undefined) return [tooLong("domain", long, LABEL_MAX)];
  if (domain.length > HOST_MAX) return [tooLong("domain", domain, HOST_MAX)];
  if (isDnsName(domain) && domain.includes(".")) return [];
  const rule = "a bare DNS name in lower case, with a dot: no scheme, port, star, address";
  return [
    problem("REDFLEET_CFG_DOMAIN", "domain", domain, rule, "write it like fleet.example.org"),
  ];
}

function formProblems({ host, path, written }: HostClaim, domain: string): Problem[] {
  const label = written.includes(".") ? undefined : written;
  if (label !== undefined && label.length > LABEL_MAX) {
    return [tooLong(path, written, LABEL_MAX)];
  }
  if (host.length > HOST_MAX) {
    return domain.length > HOST_MAX
      ? []
      : [tooLong(path, host, HOST_MAX, label === undefined ? "" : " or domain")];
  }
  const isKey = path.split(".").length === 2;
  if (isKey && !KEY_PATTERN.test(written)) return []; // said by the rules about names
  if (label === undefined ? !aliasName(path, host) : !isDnsLabel(label)) {
    return [problem("REDFLEET_CFG_NAME", path, written, LABEL_RULE, 'write it like "shop"')];
  }
  if (host !== domain && !RESERVED_HOSTS.some((name) => host === `${name}.${domain}`)) return [];
  // A key may stay when `host` says another name; a host or an alias is the name itself.
  const fix = isKey ? "choose another name, or set host" : "choose another name";
  return [problem("REDFLEET_CFG_RESERVED_NAME", path, written, "reserved for the platform", fix)];
}

function aliasName(path: string, host: string): boolean {
  return path.includes(".aliases.") && isDnsName(host);
}

function tooLong(path: string, name: string, max: number, other = ""): Problem {
  const rule = `at most ${max} characters, too long by ${name.length - max}`;
  return problem("REDFLEET_CFG_HOST_LENGTH", path, name, rule, `choose a shorter name${other}`);
}

function clashes(claims: readonly HostClaim[]): Problem[] {
  const owners = new Map<string, string>();
  return claims.flatMap(({ host, path, written }) => {
    const owner = owners.get(host);
    if (owner === undefined) {
      owners.set(host, path);
      return [];
    }
    const rule = `${host} is already used at ${owner}`;
    return [problem("REDFLEET_CFG_HOST_TAKEN", path, written, rule, "choose another name")];
  });
}
