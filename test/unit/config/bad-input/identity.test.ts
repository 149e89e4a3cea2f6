import { badInput, VALID, withSections, withTenant } from "../parse.ts";

const renamed = (renamedFrom: string) => ({ template: "nodered-5", renamedFrom });

badInput([
  [
    "the destruction of a tenant that runs",
    withSections({ confirmDestroy: ["acme"] }),
    'confirmDestroy.0: got "acme"; its data belongs to tenants.acme, which is declared; remove tenants.acme as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "the destruction of a cluster that runs",
    withSections({ clusters: { main: {} }, confirmDestroy: ["clusters.main"] }),
    'confirmDestroy.0: got "clusters.main"; its data belongs to clusters.main, which is declared; remove clusters.main as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "the destruction of a cluster that runs under another key",
    withSections({ clusters: { hub: { renamedFrom: "main" } }, confirmDestroy: ["clusters.main"] }),
    'confirmDestroy.0: got "clusters.main"; its data belongs to clusters.hub, which is declared; remove clusters.hub as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
  [
    "the destruction of what is neither tenant nor cluster",
    withSections({ confirmDestroy: ["tenants.old"] }),
    'confirmDestroy.0: got "tenants.old"; a tenant\'s key or clusters.<key>: lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; name a tenant or a cluster [REDFLEET_CFG_NAME]',
  ],
  [
    "a destruction that is confirmed twice",
    withSections({ confirmDestroy: ["old", "old"] }),
    'confirmDestroy.1: got "old"; already at confirmDestroy.0; remove one of them [REDFLEET_CFG_DESTROY]',
  ],
  [
    "a rename while the old key is still there",
    withSections({ tenants: { ...VALID.tenants, shop: renamed("acme") } }),
    'tenants.shop.renamedFrom: got "acme"; tenants.acme is still declared; remove tenants.acme [REDFLEET_CFG_RENAME]',
  ],
  [
    "a chain of renames",
    withSections({ tenants: { shop: renamed("acme"), store: renamed("shop") } }),
    'tenants.store.renamedFrom: got "shop"; tenants.shop is still declared, and was acme at first; remove tenants.shop and write acme [REDFLEET_CFG_RENAME]',
  ],
  [
    "two tenants that were one",
    withSections({ tenants: { a: renamed("acme"), b: renamed("acme") } }),
    'tenants.b.renamedFrom: got "acme"; tenants.a was renamed from it already; remove one of the two [REDFLEET_CFG_RENAME]',
  ],
  [
    "a rename to the same",
    withTenant({ renamedFrom: "acme" }),
    'tenants.acme.renamedFrom: got "acme"; it is the key that it has; leave renamedFrom out [REDFLEET_CFG_RENAME]',
  ],
  [
    "a rename from what can be no key",
    withSections({ clusters: { hub: { renamedFrom: "Main_1" } } }),
    'clusters.hub.renamedFrom: got "Main_1"; lowercase a-z, 0-9 and -, starts with a letter, at most 40 characters; write the key that it had at first [REDFLEET_CFG_RENAME]',
  ],
  [
    "the destruction of a tenant that runs under another key",
    withSections({ tenants: { shop: renamed("acme") }, confirmDestroy: ["acme"] }),
    'confirmDestroy.0: got "acme"; its data belongs to tenants.shop, which is declared; remove tenants.shop as well, or take it out of confirmDestroy [REDFLEET_CFG_DESTROY]',
  ],
]);
