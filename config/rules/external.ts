import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { didYouMean } from "../hints.ts";
import { identityOf } from "../identity.ts";
import type { PlatformConfig } from "../schema.ts";
import { type MongoDbConfig, OWN_MONGODB_KEYS } from "../sections/mongodb.ts";
import { missingSecret, problem, type Rule, type RuleContext } from "./rule.ts";

const CODE = "REDFLEET_CFG_EXTERNAL";
const MONGODB = "mongodb.external";

/** A store is the stack's own or somebody else's, and every database of the latter can be reached. */
export const externalRules: Rule = (config, context) => {
  const { external } = config.mongodb;
  if (external === undefined) return [];
  return [
    ...ownKeys(context),
    ...databases(config, external),
    ...eraser(config, external),
    ...secrets(external, context),
  ];
};

type External = NonNullable<MongoDbConfig["external"]>;

function ownKeys({ given }: RuleContext): Problem[] {
  return OWN_MONGODB_KEYS.filter((key) => given(["mongodb", key])).map((key) => {
    const rule = `is about a replica set of the stack's own, and ${MONGODB} names another`;
    return problem(CODE, `mongodb.${key}`, undefined, rule, "keep one of the two");
  });
}

/** Every database has a connection string, and every connection string a database. */
function databases(config: PlatformConfig, external: External): Problem[] {
  const wanted = [
    ...sortedEntries(config.clusters).map(([key, one]) => `cluster-${identityOf(key, one)}`),
    ...sortedEntries(config.tenants).map(([key, one]) => `tenant-${identityOf(key, one)}`),
  ];
  const missing = wanted.filter(
    (name) => external.uriSecret === undefined && !Object.hasOwn(external.databases, name),
  );
  const unknown = Object.keys(external.databases).filter((name) => !wanted.includes(name));
  return [
    ...missing.map((name) => {
      const rule = "every database needs a connection string";
      const fix = `name the secret with its own, or give ${MONGODB}.uriSecret`;
      return problem(CODE, `${MONGODB}.databases.${name}`, undefined, rule, fix);
    }),
    ...unknown.map((name) => {
      const rule = "no cluster or tenant has this database (cluster-<key>, tenant-<key>)";
      const fix = didYouMean(name, wanted);
      return problem(CODE, `${MONGODB}.databases.${name}`, name, rule, fix);
    }),
  ];
}

function eraser({ confirmDestroy }: PlatformConfig, { uriSecret }: External): Problem[] {
  if (uriSecret !== undefined || confirmDestroy.length === 0) return [];
  const rule = `erasing a database needs a user who may drop it: ${MONGODB}.uriSecret`;
  const fix = "name it, or drop the database by hand and take this out";
  return [problem(CODE, "confirmDestroy", confirmDestroy, rule, fix)];
}

function secrets({ uriSecret, caSecret, databases }: External, { secretNames }: RuleContext) {
  const references: [path: string, name: string | undefined][] = [
    [`${MONGODB}.uriSecret`, uriSecret],
    [`${MONGODB}.caSecret`, caSecret],
    ...sortedEntries(databases).map(([key, name]): [string, string] => [
      `${MONGODB}.databases.${key}`,
      name,
    ]),
  ];
  return references.flatMap(([path, name]) =>
    name === undefined ? [] : missingSecret(path, name, secretNames),
  );
}
