/** What has to be known of a certificate to decide on it. */
export interface LeafState {
  hosts: string[];
  notBefore: Date;
  notAfter: Date;
  /** Signed by the present authority. */
  trusted: boolean;
}

/** What is there and what is asked for. */
export interface CertificateInput {
  domain: string;
  /** Every host that the edge answers for. */
  hosts: string[];
  now: Date;
  /** The names that the present authority may speak for; undefined without one. */
  authority: { names: string[]; notAfter: Date } | undefined;
  leaves: { platform?: LeafState; aliases?: LeafState };
}

/** A certificate that should exist; `issue` says why it has to be made anew. */
export interface LeafPlan {
  leaf: "platform" | "aliases";
  hosts: string[];
  issue?: string;
}

/** What to do: `authority.issue` with these names (same key where there is one), then the leaves. */
export interface CertificatePlan {
  authority: { names: string[]; issue?: string };
  leaves: LeafPlan[];
}

/** An authority is renewed when less than this is left of it: a year, in milliseconds. */
export const year = 365 * 86_400_000;

const isBelow = (host: string, name: string) => host === name || host.endsWith(`.${name}`);

/** Whether a certificate's names, wildcards included, cover a host. */
export function covers(names: string[], host: string): boolean {
  const parent = host.slice(host.indexOf(".") + 1);
  return names.includes(host) || (host.includes(".") && names.includes(`*.${parent}`));
}

function planAuthority(input: CertificateInput, outside: string[]): CertificatePlan["authority"] {
  const present = input.authority;
  if (!present) return { names: [input.domain, ...outside], issue: "there is none" };
  const missing = [input.domain, ...outside].filter(
    (host) => !present.names.some((name) => isBelow(host, name)),
  );
  // Names are only ever added: whoever trusts the newest certificate trusts every leaf.
  const names = [...present.names, ...missing];
  if (missing.length) return { names, issue: `it may not speak for ${missing.join(", ")}` };
  if (present.notAfter.getTime() - input.now.getTime() < year) {
    return { names, issue: "its last year has begun" };
  }
  return { names };
}

/** Why a certificate for these hosts has to be made anew; undefined when the present one will do. */
export function whyIssue(
  present: LeafState | undefined,
  hosts: string[],
  now: Date,
): string | undefined {
  if (!present) return "there is none";
  if (!present.trusted) return "another authority signed it";
  const missing = hosts.filter((host) => !present.hosts.includes(host));
  if (missing.length) return `it lacks ${missing.join(", ")}`;
  const spare = present.hosts.filter((host) => !hosts.includes(host));
  if (spare.length) return `nobody answers for ${spare.join(", ")}`;
  const life = present.notAfter.getTime() - present.notBefore.getTime();
  const left = present.notAfter.getTime() - now.getTime();
  return left < life / 3 ? "a third of its life is left" : undefined;
}

/**
 * One certificate for the domain and everything in it, which every client of the platform trusts;
 * a second one for hosts outside, because it needs an authority with more names. The second exists
 * without such hosts too: the first alias then is a new certificate, not a new configuration.
 */
export function planCertificates(input: CertificateInput): CertificatePlan {
  const { domain, now, leaves } = input;
  const wildcard = [domain, `*.${domain}`];
  const hosts = [...new Set(input.hosts)].sort();
  const outside = hosts.filter((host) => !isBelow(host, domain));
  const deep = hosts.filter((host) => isBelow(host, domain) && !covers(wildcard, host));
  const wanted = { platform: [...wildcard, ...deep], aliases: outside.length ? outside : [domain] };
  const plan = (leaf: keyof typeof wanted): LeafPlan => ({
    leaf,
    hosts: wanted[leaf],
    issue: whyIssue(leaves[leaf], wanted[leaf], now),
  });
  return { authority: planAuthority(input, outside), leaves: [plan("platform"), plan("aliases")] };
}
