import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { didYouMean } from "../hints.ts";
import { identityOf } from "../identity.ts";
import type { PlatformConfig } from "../schema.ts";
import { type ExternalMongoDb, OWN_MONGODB_KEYS } from "../sections/mongodb.ts";
import { type ExternalValkey, OWN_VALKEY_KEYS } from "../sections/valkey.ts";
import { missingSecret, problem, type Rule, type RuleContext } from "./rule.ts";

const CODE = "REDFLEET_CFG_EXTERNAL";
const MONGODB = "mongodb.external";
const VALKEY = "valkey.external";

/** A store is the stack's own or somebody else's, and the latter can be reached by all who need it. */
export const externalRules: Rule = (config, context) => [
  ...mongodbRules(config, context),
  ...valkeyRules(config, context),
];

const mongodbRules: Rule = (config, context) => {
  const { external } = config.mongodb;
  if (external === undefined) return [];
  return [
    ...ownKeys("mongodb", OWN_MONGODB_KEYS, context),
    ...databases(config, external),
    ...eraser(config, external),
    ...secrets(MONGODB, external, context),
  ];
};

const valkeyRules: Rule = (config, context) => {
  const { external } = config.valkey;
  if (external === undefined) return [];
  return [
    ...ownKeys("valkey", OWN_VALKEY_KEYS, context),
    ...connections(config, external),
    ...secrets(VALKEY, external, context),
  ];
};

function ownKeys(
  store: "mongodb" | "valkey",
  keys: readonly string[],
  { given }: RuleContext,
): Problem[] {
  const own = { mongodb: "a replica set", valkey: "servers" }[store];
  return keys
    .filter((key) => given([store, key]))
    .map((key) => {
      const rule = `is about ${own} of the stack's own, and ${store}.external names another`;
      return problem(CODE, `${store}.${key}`, undefined, rule, "keep one of the two");
    });
}

function connections({ clusters }: PlatformConfig, external: ExternalValkey): Problem[] {
  return matched({
    path: `${VALKEY}.clusters`,
    wanted: Object.keys(clusters).sort(),
    given: external.clusters,
    forAll: external.urlSecret,
    missing: "every cluster needs a connection string",
    fix: `name the secret with its own, or give ${VALKEY}.urlSecret`,
    unknown: "there is no such cluster",
  });
}

function databases(config: PlatformConfig, external: ExternalMongoDb): Problem[] {
  return matched({
    path: `${MONGODB}.databases`,
    wanted: [
      ...sortedEntries(config.clusters).map(([key, one]) => `cluster-${identityOf(key, one)}`),
      ...sortedEntries(config.tenants).map(([key, one]) => `tenant-${identityOf(key, one)}`),
    ],
    given: external.databases,
    forAll: external.uriSecret,
    missing: "every database needs a connection string",
    fix: `name the secret with its own, or give ${MONGODB}.uriSecret`,
    unknown: "no cluster or tenant has this database (cluster-<key>, tenant-<key>)",
  });
}

/** Connection strings by name, and what is said of a name without one and of one without a name. */
interface Connections {
  readonly path: string;
  readonly wanted: readonly string[];
  readonly given: Readonly<Record<string, string>>;
  /** One that serves all that have none of their own. */
  readonly forAll: string | undefined;
  readonly missing: string;
  readonly fix: string;
  readonly unknown: string;
}

/** Everybody who is wanted has a connection string, and every connection string somebody. */
function matched({ path, wanted, given, forAll, missing, fix, unknown }: Connections): Problem[] {
  const without = wanted.filter((name) => forAll === undefined && !Object.hasOwn(given, name));
  const strangers = Object.keys(given).filter((name) => !wanted.includes(name));
  return [
    ...without.map((name) => problem(CODE, `${path}.${name}`, undefined, missing, fix)),
    ...strangers.map((name) =>
      problem(CODE, `${path}.${name}`, name, unknown, didYouMean(name, wanted)),
    ),
  ];
}

function eraser({ confirmDestroy }: PlatformConfig, { uriSecret }: ExternalMongoDb): Problem[] {
  if (uriSecret !== undefined || confirmDestroy.length === 0) return [];
  const rule = `erasing a database needs a user who may drop it: ${MONGODB}.uriSecret`;
  const fix = "name it, or drop the database by hand and take this out";
  return [problem(CODE, "confirmDestroy", confirmDestroy, rule, fix)];
}

/** References to `redfleet:secrets`, one by one or in a map. */
function secrets(
  path: string,
  references: Readonly<Record<string, unknown>>,
  context: RuleContext,
): Problem[] {
  return sortedEntries({ ...references }).flatMap(([key, value]) => {
    const place = `${path}.${key}`;
    if (typeof value === "object" && value !== null) {
      return secrets(place, value as Record<string, unknown>, context);
    }
    return typeof value === "string" ? missingSecret(place, value, context) : [];
  });
}
