import { RESERVED_HOSTS } from "../../../../config/names.ts";
import { badInput, type Case, withSections, withTenant } from "../parse.ts";

/** A DNS name of 254 characters. */
const LONG = Array.from({ length: 5 }, () => "x".repeat(50)).join(".");

badInput([
  [
    "an unknown key with a near one",
    withSections({ clusters: { main: { apiReplicaas: 2 } } }),
    'clusters.main.apiReplicaas: unknown key; did you mean "apiReplicas"? [REDFLEET_CFG_UNKNOWN_KEY]',
  ],
  [
    "a bad tenant key",
    withSections({ tenants: { A_b: { template: "nodered-5" } } }),
    'tenants.A_b: got "A_b"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; use "a-b" [REDFLEET_CFG_NAME]',
  ],
  [
    "a key that starts with a dash",
    withSections({ tenants: { "-x": { template: "nodered-5" } } }),
    'tenants.-x: got "-x"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; use "x" [REDFLEET_CFG_NAME]',
  ],
  [
    "a reserved tenant",
    withSections({ tenants: { admin: { template: "nodered-5" } } }),
    'tenants.admin: got "admin"; reserved for the platform; choose another name, or set host [REDFLEET_CFG_RESERVED_NAME]',
  ],
  [
    "an alias that is a tenant",
    withSections({
      tenants: {
        acme: { template: "nodered-5", aliases: ["globex"] },
        globex: { template: "nodered-5" },
      },
    }),
    'tenants.acme.aliases.0: got "globex"; globex.fleet.example.org is already used at tenants.globex; choose another name [REDFLEET_CFG_HOST_TAKEN]',
  ],
  [
    "an alias twice",
    withTenant({ aliases: ["shop", "shop"] }),
    'tenants.acme.aliases.1: got "shop"; shop.fleet.example.org is already used at tenants.acme.aliases.0; choose another name [REDFLEET_CFG_HOST_TAKEN]',
  ],
  [
    "a tenant with a cluster's name",
    withSections({ tenants: { main: { template: "nodered-5" } } }),
    'tenants.main: got "main"; main.fleet.example.org is already used at clusters.main; choose another name [REDFLEET_CFG_HOST_TAKEN]',
  ],
  [
    "a host label of 64 characters",
    withTenant({ host: "x".repeat(64) }),
    `tenants.acme.host: got "${"x".repeat(56)}...; at most 63 characters, too long by 1; choose a shorter name [REDFLEET_CFG_HOST_LENGTH]`,
  ],
  [
    "an alias of 254 characters",
    withTenant({ aliases: [LONG] }),
    `tenants.acme.aliases.0: got "${LONG.slice(0, 56)}...; at most 253 characters, too long by 1; choose a shorter name [REDFLEET_CFG_HOST_LENGTH]`,
  ],
  [
    "a domain that leaves no room for a host",
    { domain: LONG.slice(5), clusters: { mains: {} } },
    `clusters.mains: got "mains.${LONG.slice(5, 55)}...; at most 253 characters, too long by 2; choose a shorter name or domain [REDFLEET_CFG_HOST_LENGTH]`,
  ],
  [
    "a domain of 254 characters",
    withSections({ domain: LONG }),
    `domain: got "${LONG.slice(0, 56)}...; at most 253 characters, too long by 1; choose a shorter name [REDFLEET_CFG_HOST_LENGTH]`,
  ],
  [
    "a domain with a label of 64 characters",
    withSections({ domain: `${"x".repeat(64)}.org` }),
    `domain: got "${"x".repeat(56)}...; at most 63 characters, too long by 1; choose a shorter name [REDFLEET_CFG_HOST_LENGTH]`,
  ],
  [
    "a key of 41 characters",
    withSections({ clusters: { ["x".repeat(41)]: {} } }),
    `clusters.${"x".repeat(41)}: got "${"x".repeat(41)}"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; too long by 1 [REDFLEET_CFG_NAME]`,
  ],
  [
    "a host that is no label",
    withTenant({ host: "a.b" }),
    'tenants.acme.host: got "a.b"; a DNS label (a-z, 0-9, -) or, as an alias, a full DNS name; write it like "shop" [REDFLEET_CFG_NAME]',
  ],
  [
    "an alias with a port",
    withTenant({ aliases: ["shop.example.com:80"] }),
    'tenants.acme.aliases.0: got "shop.example.com:80"; a DNS label (a-z, 0-9, -) or, as an alias, a full DNS name; write it like "shop" [REDFLEET_CFG_NAME]',
  ],
  [
    "an alias that is the domain itself",
    withTenant({ aliases: ["fleet.example.org"] }),
    'tenants.acme.aliases.0: got "fleet.example.org"; reserved for the platform; choose another name [REDFLEET_CFG_RESERVED_NAME]',
  ],
  ...RESERVED_HOSTS.map(
    (host): Case => [
      `the reserved host ${host}`,
      withTenant({ host }),
      `tenants.acme.host: got "${host}"; reserved for the platform; choose another name [REDFLEET_CFG_RESERVED_NAME]`,
    ],
  ),
  ...["fleet.example.org:8443", "localhost", "Fleet.example.org", ""].map(
    (domain): Case => [
      `the domain ${domain}`,
      withSections({ domain }),
      `domain: got "${domain}"; a bare DNS name in lower case, with a dot: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]`,
    ],
  ),
  [
    "a wildcard domain",
    withSections({ domain: "*.com" }),
    'domain: got "*.com"; a bare DNS name in lower case, with a dot: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
  [
    "a domain with scheme",
    withSections({ domain: "https://fleet.example.org" }),
    'domain: got "https://fleet.example.org"; a bare DNS name in lower case, with a dot: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
  [
    "an address as domain",
    withSections({ domain: "10.0.0.1" }),
    'domain: got "10.0.0.1"; a bare DNS name in lower case, with a dot: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
]);
