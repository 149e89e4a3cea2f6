import { badInput, withSections, withTenant } from "../parse.ts";

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
    "a wildcard domain",
    withSections({ domain: "*.com" }),
    'domain: got "*.com"; a bare DNS name in lower case: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
  [
    "a domain with scheme",
    withSections({ domain: "https://fleet.example.org" }),
    'domain: got "https://fleet.example.org"; a bare DNS name in lower case: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
  [
    "an address as domain",
    withSections({ domain: "10.0.0.1" }),
    'domain: got "10.0.0.1"; a bare DNS name in lower case: no scheme, port, star, address; write it like fleet.example.org [REDFLEET_CFG_DOMAIN]',
  ],
]);
