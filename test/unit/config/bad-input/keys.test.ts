import { badInput, VALID, withSections } from "../parse.ts";

badInput([
  [
    "a cluster's protection, which earlier versions had",
    withSections({ clusters: { main: { protect: false } } }),
    "clusters.main.protect: unknown key; remove it: the secret stays with the cluster's data until confirmDestroy erases both [REDFLEET_CFG_UNKNOWN_KEY]",
  ],
  [
    "no domain",
    { ...VALID, domain: undefined },
    "domain: required (string); write it like redfleet.example.org [REDFLEET_CFG_MISSING]",
  ],
  [
    "a tenant without template",
    withSections({ tenants: { acme: {} } }),
    "tenants.acme.template: required (string); add it [REDFLEET_CFG_MISSING]",
  ],
]);
