import { z } from "zod";
import {
  DANGEROUS_NODES,
  MODULE_SPEC,
  PACKAGE_PATTERN,
} from "../../images/node-red/runtime/environment.ts";
import { says } from "../problems.ts";
import { pathOf } from "./values.ts";

const SPEC_RULE = says(
  "REDFLEET_CFG_MODULE",
  "name@exact-version only",
  "write it like node-red-contrib-example@1.2.3 or @scope/name@1.2.3",
);

const PATTERN_RULE = says(
  "REDFLEET_CFG_MODULE",
  "a package name, * in it stands for anything",
  "write it like @acme/* or node-red-contrib-*",
);

const URL_RULE = says(
  "REDFLEET_CFG_REGISTRY",
  "an http(s) URL without user, password or query",
  "write it like https://npm.example.org/",
);

const names = Object.keys(DANGEROUS_NODES) as [string, ...string[]];

/** npm packages, exactly. */
const Modules = z.array(z.string(SPEC_RULE).regex(MODULE_SPEC, SPEC_RULE));

/** Names of packages, with stars. */
const Patterns = z.array(z.string(PATTERN_RULE).regex(PACKAGE_PATTERN, PATTERN_RULE));

/** Where npm packages come from. */
export const Registry = z.strictObject({
  url: z
    .string(URL_RULE)
    .refine(isPlainUrl, URL_RULE)
    .transform((url) => (url.endsWith("/") ? url : `${url}/`))
    .describe("Address of the registry."),
  ca: pathOf("a PEM file", "REDFLEET_CFG_REGISTRY", "name the file")
    .optional()
    .describe("PEM file with the registry's certificate authority. Default: the public ones."),
  tokenSecret: z
    .string()
    .optional()
    .describe("Key in `redfleet:secrets` that holds the token for the registry."),
});

export type RegistryConfig = z.infer<typeof Registry>;

/** What people may install in the editor. `everything` is the default of its allow list. */
function palette(everything: readonly string[]) {
  return z
    .strictObject({
      allow: Patterns.default([...everything]).describe(
        "Packages that the palette manager may install; `*` stands for anything. Empty: it is off.",
      ),
      deny: Patterns.default([]).describe("Packages that it may not, although they are allowed."),
      scripts: z
        .boolean()
        .default(false)
        .describe("Run the scripts of packages when they are installed."),
    })
    .prefault({});
}

const DANGEROUS = `Nodes that reach files, processes and raw sockets (${names.join(", ")}) and are allowed all the same.`;
const FUNCTIONS = "npm modules that function nodes may load; `*` stands for anything. Empty: none.";
const MODULES = "npm packages that are installed before flows start, as name@exact-version.";
const PALETTE = "The palette manager of the editor.";

/** The keys about modules, with their defaults: of a cluster, or of a template. */
export function moduleKeys(everything: readonly string[]) {
  return {
    modules: Modules.default([]).describe(MODULES),
    palette: palette(everything).describe(PALETTE),
    functionModules: Patterns.default([]).describe(FUNCTIONS),
    allowNodes: z.array(z.enum(names)).default([]).describe(DANGEROUS),
  };
}

/** The same keys of a tenant: what is not given comes from its template; modules add up. */
export const TENANT_MODULE_KEYS = {
  modules: Modules.default([]).describe(`${MODULES} Those of the template are installed as well.`),
  palette: palette([]).unwrap().optional().describe(`${PALETTE} Default: the template's.`),
  functionModules: Patterns.optional().describe(`${FUNCTIONS} Default: the template's.`),
  allowNodes: z.array(z.enum(names)).optional().describe(`${DANGEROUS} Default: the template's.`),
};

/** What a runtime may install and load. */
export interface ModuleConfig {
  readonly modules: readonly string[];
  readonly palette: {
    readonly allow: string[];
    readonly deny: string[];
    readonly scripts: boolean;
  };
  readonly functionModules: readonly string[];
  readonly allowNodes: readonly string[];
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}
