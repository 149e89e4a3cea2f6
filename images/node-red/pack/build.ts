/**
 * Makes `start.cjs`, `runtime.pack` and its maps in the folder of the image's application: `node pack/build.ts`.
 * A rehearsal says which modules a start needs; they are packed in the order of their names, so the same
 * sources give the same bytes.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BuildOptions, buildSync, transformSync } from "esbuild";
import type { Section } from "./stacks.ts";

const app = dirname(import.meta.dirname);
/** Node-RED's function node has a parser. */
const require = createRequire(join(app, "package.json"));
const { parse } = require("acorn") as { parse(source: string, options: object): unknown };
const acorn = require("acorn-walk") as {
  simple(tree: unknown, visitors: { ImportExpression(node: { start: number }): void }): void;
};
/** The runtime's packed module; there is no such file in the image. */
const MAIN = "runtime/main.cjs";

function bundle(entry: string, file: string, more: BuildOptions = {}): void {
  buildSync({
    ...{ bundle: true, platform: "node", format: "cjs", target: "node24" },
    ...{ entryPoints: [join(import.meta.dirname, entry)], outfile: join(app, file) },
    ...more,
  });
}

function bundleRuntime(): void {
  bundle("entry.ts", MAIN, {
    ...{ packages: "external", sourcemap: "inline", sourcesContent: false },
    define: { "import.meta.url": "moduleUrl" },
    banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
}

/** What is packed in place of modules, below the folder of all packages. */
const REPLACED: Readonly<Record<string, string>> = {
  "@mongodb-js/saslprep/dist/node.js": "saslprep.cjs",
};

/** Name of a packed module → the file that is packed as it. @throws when a module to replace is not among them. */
function replacements(names: readonly string[]): Map<string, string> {
  const found = Object.entries(REPLACED).map(([module, file]) => {
    const name = join(app, "node_modules", module);
    if (!names.includes(name)) throw new Error(`a start loads no ${module} any more`);
    return [name, join(import.meta.dirname, file)] as const;
  });
  return new Map(found);
}

/** The modules that a start has loaded. */
function rehearse(): string[] {
  const list = join(tmpdir(), "modules.json");
  const env = { ...process.env, REDFLEET_REHEARSAL: list };
  const { status } = spawnSync(process.execPath, [MAIN], { cwd: app, env, stdio: "inherit" });
  if (status !== 0) throw new Error(`the rehearsal ended with ${status}`);
  const names = JSON.parse(readFileSync(list, "utf8")) as string[];
  rmSync(list);
  return names.filter((name) => /\.(js|cjs|json)$/.test(name)).sort();
}

/** Requests of a module that are packed, with their places. */
function requiresOf(name: string, source: string, places: ReadonlyMap<string, number>) {
  const requires: Record<string, number> = {};
  const { resolve } = createRequire(name);
  for (const [, id = ""] of source.matchAll(/\brequire\(\s*["']([^"']+)["']\s*\)/g)) {
    if (isBuiltin(id)) continue;
    try {
      const place = places.get(resolve(id));
      if (place !== undefined) requires[id] = place;
    } catch {
      // A package that is optional, or a word in a comment.
    }
  }
  return requires;
}

/** A name that no module has of its own. */
const IMPORT = "__redfleet_import";

/** A script has no import(): the loader gives each module one. */
function renameImports(source: string): string {
  if (!/\bimport\s*\(/.test(source)) return source;
  const starts: number[] = [];
  const options = { ecmaVersion: "latest", allowReturnOutsideFunction: true, allowHashBang: true };
  acorn.simple(parse(source, options), { ImportExpression: ({ start }) => starts.push(start) });
  return starts
    .sort((a, b) => b - a)
    .reduce(
      (text, start) => `${text.slice(0, start)}${IMPORT}${text.slice(start + "import".length)}`,
      source,
    );
}

/** Without comments and blanks. Names stay: stack traces, and oauth2orize, know functions by them. */
function shrink(name: string, source: string) {
  return transformSync(renameImports(source).replace(/^#!.*/, ""), {
    ...{ loader: "js", format: "cjs", platform: "node", charset: "ascii" },
    ...{ minifyWhitespace: true, legalComments: "none", lineLimit: 200 },
    ...{ sourcefile: name, sourcemap: "external", sourcesContent: false },
  });
}

const PARAMETERS = `exports,require,module,__filename,__dirname,${IMPORT}`;

/** The packed file, and the maps of its modules. */
function pack(names: readonly string[]): { text: string; maps: string } {
  const places = new Map(names.map((name, place) => [name, place]));
  const replaced = replacements(names);
  const lines = ["["];
  const sections: Section[] = [];
  for (const name of names) {
    const path = JSON.stringify(name.slice(app.length));
    if (name.endsWith(".json")) lines.push(`[${path},{},null],`);
    else {
      const source = readFileSync(replaced.get(name) ?? name, "utf8");
      const requires = JSON.stringify(requiresOf(name, source, places));
      const { code, map } = shrink(name, source);
      lines.push(`[${path},${requires},function(${PARAMETERS}){`);
      sections.push([lines.length, name, JSON.parse(map)]);
      lines.push(...code.trimEnd().split("\n"), "}],");
    }
  }
  const maps = sections.map((section) => JSON.stringify(section));
  return { text: [...lines, "]"].join("\n"), maps: maps.join("\n") };
}

bundle("loader.ts", "start.cjs");
bundleRuntime();
const names = rehearse();
const { text, maps } = pack(names);
writeFileSync(join(app, "runtime.pack"), text);
writeFileSync(join(app, "runtime.pack.map"), maps);
rmSync(join(app, MAIN));
console.log(`${names.length} modules, ${(text.length / 1e6).toFixed(1)} MB`);
