/**
 * The part of the environment that is about packages. Like its neighbour it imports nothing but Node
 * itself, so that the program may import from it.
 */
import type { Reader } from "../environment-reader.ts";

/** Environment variables about packages. */
export interface PackagesEnvironment {
  /** URL of the npm registry. Default: npm's own. */
  REDFLEET_NPM_REGISTRY?: string;
  /** File with the registry's certificate authority, PEM. Default: the ones that Node knows. */
  REDFLEET_NPM_CA_FILE?: string;
  /** File with the token for the registry. */
  REDFLEET_NPM_TOKEN_FILE?: string;
  /** `true`: run the scripts of packages when they are installed. Default false. */
  REDFLEET_NPM_SCRIPTS?: "true" | "false";
  /** Comma separated `name@version`: installed before flows start. */
  REDFLEET_MODULES?: string;
  /** Comma separated names, `*` in them: what the palette manager may install. Empty: nothing. */
  REDFLEET_PALETTE_ALLOW?: string;
  /** The same: what it may not, although it is allowed. */
  REDFLEET_PALETTE_DENY?: string;
  /** The same: npm modules that function nodes may load. Empty: none. */
  REDFLEET_FUNCTION_MODULES?: string;
}

/** What may be installed, and from where. */
export interface PackagesConfig {
  registry: { url: string | undefined; caFile: string | undefined; token: string | undefined };
  scripts: boolean;
  /** `name@version`, exactly. */
  modules: string[];
  palette: { allow: string[]; deny: string[] };
  functionModules: string[];
}

/** A package name with stars in it: `@acme/*`, `node-red-contrib-*`, `*`. */
export const PACKAGE_PATTERN = /^(@[a-z0-9*~-][a-z0-9*._~-]*\/)?[a-z0-9*~-][a-z0-9*._~-]*$/;

/** One package of the registry in one version: no range, tag, path, URL or alias. */
export const MODULE_SPEC =
  /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*@\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** `@acme/nodes@1.2.3` -> `@acme/nodes`. */
export function moduleName(spec: string): string {
  return spec.slice(0, spec.indexOf("@", 1));
}

function list(reader: Reader, key: string, pattern: RegExp, rule: string): string[] {
  const raw = reader.source[key] ?? "";
  const entries = raw.split(",").flatMap((entry) => (entry.trim() === "" ? [] : [entry.trim()]));
  for (const entry of entries.filter((one) => !pattern.test(one))) {
    reader.fail(key, JSON.stringify(entry), rule, "correct it");
  }
  return entries;
}

function patterns(reader: Reader, key: string): string[] {
  return list(reader, key, PACKAGE_PATTERN, "package names, * in them, comma separated");
}

function readRegistry(reader: Reader): PackagesConfig["registry"] {
  const key = "REDFLEET_NPM_REGISTRY";
  const url = reader.source[key] || undefined;
  if (url !== undefined && !/^https?:\/\/\S+\/$/.test(url)) {
    reader.fail(key, JSON.stringify(url), "an http(s) URL that ends with /", "correct the value");
  }
  const caFile = reader.source.REDFLEET_NPM_CA_FILE || undefined;
  reader.file("REDFLEET_NPM_CA_FILE", false);
  return { url, caFile, token: reader.file("REDFLEET_NPM_TOKEN_FILE", false) };
}

/** Reads it; problems are told to the reader. */
export function readPackages(reader: Reader): PackagesConfig {
  return {
    registry: readRegistry(reader),
    scripts: reader.oneOf("REDFLEET_NPM_SCRIPTS", ["false", "true"] as const, "false") === "true",
    modules: list(reader, "REDFLEET_MODULES", MODULE_SPEC, "name@exact-version only"),
    palette: {
      allow: patterns(reader, "REDFLEET_PALETTE_ALLOW"),
      deny: patterns(reader, "REDFLEET_PALETTE_DENY"),
    },
    functionModules: patterns(reader, "REDFLEET_FUNCTION_MODULES"),
  };
}
