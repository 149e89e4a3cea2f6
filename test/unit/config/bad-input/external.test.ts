import { badInput, withSections } from "../parse.ts";

const external = (fields: object, more: object = {}) =>
  withSections({ mongodb: { external: fields }, ...more });

badInput(
  [
    [
      "a set of one's own and another",
      withSections({ mongodb: { members: 3, external: { uriSecret: "db" } } }),
      "mongodb.members: is about a replica set of the stack's own, and mongodb.external names another; keep one of the two [REDFLEET_CFG_EXTERNAL]",
    ],
    [
      "a database that nobody can reach",
      external({ databases: { "cluster-main": "db", "tenant-acme": "db" } }),
      "mongodb.external.databases.tenant-globex: every database needs a connection string; name the secret with its own, or give mongodb.external.uriSecret [REDFLEET_CFG_EXTERNAL]",
    ],
    [
      "a connection string for nobody",
      external({ uriSecret: "db", databases: { "tenant-akme": "db" } }),
      'mongodb.external.databases.tenant-akme: got "tenant-akme"; no cluster or tenant has this database (cluster-<key>, tenant-<key>); did you mean "tenant-acme"? [REDFLEET_CFG_EXTERNAL]',
    ],
    [
      "a connection string that the stack does not have",
      external({ uriSecret: "dbb" }),
      'mongodb.external.uriSecret: got "dbb"; no such key in redfleet:secrets; did you mean "db"? or: npx pulumi config set --secret --path \'redfleet:secrets.dbb\' --stack dev [REDFLEET_CFG_SECRET_MISSING]',
    ],
    [
      "an erasure that nobody may do",
      external(
        { databases: { "cluster-main": "db", "tenant-acme": "db", "tenant-globex": "db" } },
        { confirmDestroy: ["old"] },
      ),
      'confirmDestroy: got ["old"]; erasing a database needs a user who may drop it: mongodb.external.uriSecret; name it, or drop the database by hand and take this out [REDFLEET_CFG_EXTERNAL]',
    ],
  ],
  ["db"],
);
