import { nodeModule } from "./npm-packages.ts";
import type { TestPackage } from "./npm-registry.ts";
import type { PlatformConfig } from "./stack.ts";

/** Files and an address that the keys of {@link everyKey} name. */
export interface Named {
  readonly registry: { readonly url: string; readonly ca: string };
  readonly tls: { readonly certificate: string; readonly key: string };
}

/** A host name of the tenant beside the stack's domain. */
export const ALIAS = "flows.elsewhere.test";

/** Secrets that the stack names beside `npm`, the token of the registry. */
export const SECRETS = {
  "cluster-word": "said-to-the-cluster-alone",
  "tenant-word": "said-to-the-tenant-alone",
} as const;

/**
 * The keys of a stack file that the other stacks of the tests leave alone, with values that are no default:
 * a cluster `main`, and a tenant `solo` made from a template of the stack's own.
 */
export function everyKey({ registry, tls }: Named): PlatformConfig {
  return {
    registry: { ...registry, tokenSecret: "npm" },
    edge: {
      tls: { mode: "files", certificate: tls.certificate, key: tls.key },
      bodyLimit: "1 MB",
      connectionsPerSource: 400,
      memory: "144 MB",
      agentMemory: "176 MB",
    },
    clusters: { main: CLUSTER },
    templates: { workshop: TEMPLATE },
    tenants: { solo: TENANT },
  };
}

const CLUSTER = {
  apiReplicas: 2,
  flowStore: "valkey",
  displayName: "The cluster with every key",
  editorMemory: "400 MB",
  replicaMemory: "300 MB",
  editorCpus: 0.8,
  replicaCpus: 0.9,
  sticky: true,
  drainSeconds: 2,
  context: { default: "shared", synchronous: true, timeoutSeconds: 20 },
  env: { PLACE: "cluster", COUNT: 3, READY: true },
  secretEnv: { WORD: "cluster-word" },
  modules: ["node-red-contrib-stamp@1.0.0", "node-red-contrib-scripted@1.0.0"],
  palette: { allow: ["@acme/*", "other-*"], deny: ["@acme/*"], scripts: true },
  functionModules: ["function-helper"],
  allowNodes: ["exec", "file"],
};

const TEMPLATE = {
  nodeRed: 4,
  image: "test/support/workshop",
  memory: { default: "224 MB", min: "200 MB", max: "300 MB" },
  cpus: { default: 0.4, min: 0.2, max: 0.6 },
  pids: 96,
  env: { PLACE: "template", FROM: "template" },
  modules: ["node-red-contrib-scripted@1.0.0"],
  palette: { allow: ["@acme/*"], deny: ["@acme/evil"] },
  functionModules: ["function-*"],
  allowNodes: ["exec"],
};

const TENANT = {
  template: "workshop",
  displayName: "The tenant with every key",
  host: "haus",
  aliases: ["second", ALIAS],
  cpus: 0.6,
  env: { PLACE: "tenant" },
  secretEnv: { WORD: "tenant-word" },
  modules: ["node-red-contrib-stamp@1.1.0"],
  allowNodes: ["tcp"],
};

/** The packages that these keys name, and some that people try to install. */
export const PACKAGES: readonly TestPackage[] = [
  nodeModule("node-red-contrib-stamp", "1.0.0", "stamp", '"stamp 1.0"'),
  nodeModule("node-red-contrib-stamp", "1.1.0", "stamp", '"stamp 1.1"'),
  scripted(),
  nodeModule("@acme/good", "1.0.0", "good", '"good"'),
  nodeModule("@acme/evil", "1.0.0", "evil", '"evil"'),
  nodeModule("other-good", "1.0.0", "other", '"other"'),
  {
    ...{ name: "function-helper", version: "3.0.0", manifest: { main: "index.js" } },
    files: { "index.js": 'module.exports = "helped";' },
  },
];

/** A package that tells whether its script ran when it was installed. */
function scripted(): TestPackage {
  const seen = 'require("node:fs").existsSync(require("node:path").join(__dirname, "ran"))';
  const scripts = { postinstall: "node -e \"fs.writeFileSync('ran', '')\"" };
  const says = `${seen} ? "its script ran" : "no script ran"`;
  return nodeModule("node-red-contrib-scripted", "1.0.0", "scripted", says, { scripts });
}
