/**
 * Starts the runtime out of one file. A thousand modules of their own cost a start more time to find, read and
 * compile than to run; here all that a start needs is one script, and V8 gets the code of the functions that
 * a rehearsal has compiled. Modules stay what they are to Node: same names, same identity in `require.cache`,
 * so code that comes from elsewhere (nodes, palette modules) shares them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { tellOrigins } from "./stacks.ts";

type Body = (
  exports: object,
  require: (id: string) => unknown,
  module: NodeJS.Module,
  name: string,
  folder: string,
  importFrom: Import,
) => void;

type Import = (id: string) => Promise<unknown>;

/** Path below the folder, places of the packed modules that it requires, code; JSON has none. */
type Packed = [path: string, requires: Record<string, number>, body: Body | null];

/** Node's own loader, as far as it is used (lib/internal/modules/cjs/loader.js of Node 24). */
interface Loader {
  new (name: string, parent?: NodeJS.Module): NodeJS.Module;
  _cache: Record<string, NodeJS.Module | undefined>;
  _nodeModulePaths(folder: string): string[];
  _extensions: Record<string, (module: NodeJS.Module, name: string) => void>;
}

const loader = Module as unknown as Loader;
const app = __dirname;
const file = join(app, "runtime.pack");
/** Code that V8 has compiled; the rehearsal writes it. */
const codeFile = join(app, ".compile-cache", "runtime.code");
const rehearsal = process.env.REDFLEET_REHEARSAL !== undefined;

function readCode(): Buffer | undefined {
  try {
    return readFileSync(codeFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function open(): Packed[] {
  const cachedData = rehearsal ? undefined : readCode();
  const script = new Script(readFileSync(file, "latin1"), { filename: file, cachedData });
  if (script.cachedDataRejected) {
    const time = new Date().toISOString();
    const msg = "the compiled code does not fit this Node or its flags: the start takes longer";
    console.log(JSON.stringify({ time, level: "warn", component: "start", msg }));
  }
  if (rehearsal) {
    // Else V8 drops what ran only once before it can be kept.
    setFlagsFromString("--no-flush-bytecode");
    process.on("exit", () => {
      // The code carries a digest of the flags that it was made with.
      setFlagsFromString("--flush-bytecode");
      writeFileSync(codeFile, script.createCachedData());
    });
  }
  return script.runInThisContext() as Packed[];
}

const packed = open();
const places = new Map(packed.map(([path], place) => [app + path, place]));
const builtins = new Map<string, unknown>();

function load(place: number, parent: NodeJS.Module): unknown {
  const [path, , body] = packed[place] as Packed;
  const name = app + path;
  const loaded = loader._cache[name];
  if (loaded !== undefined) return loaded.exports;
  const made = new loader(name, parent);
  made.filename = name;
  made.path = dirname(name);
  made.paths = loader._nodeModulePaths(made.path);
  loader._cache[name] = made;
  try {
    if (body === null) made.exports = JSON.parse(readFileSync(name, "utf8"));
    else execute(place, made);
    made.loaded = true;
    return made.exports;
  } finally {
    if (!made.loaded) delete loader._cache[name];
  }
}

function execute(place: number, made: NodeJS.Module): void {
  const [, requires, body] = packed[place] as Packed;
  const { exports, filename, path } = made;
  body?.call(exports, exports, requireOf(requires, made), made, filename, path, importOf(path));
}

/**
 * `import()` of a packed module. Packages are looked for from the application's folder, not from the module's:
 * Node-RED's own are there.
 */
const importOf =
  (folder: string): Import =>
  (id) =>
    import(/^\.\.?\//.test(id) ? pathToFileURL(join(folder, id)).href : id);

/** The `require` of a packed module: what is not packed goes Node's own way. */
function requireOf(requires: Record<string, number>, made: NodeJS.Module): NodeJS.Require {
  let own: NodeJS.Require | undefined;
  const nodes = () => {
    own ??= Module.createRequire(made.filename);
    return own;
  };
  const require = (id: string): unknown => {
    const place = requires[id] ?? places.get(id);
    if (place !== undefined) return load(place, made);
    if (builtins.has(id)) return builtins.get(id);
    const builtin = process.getBuiltinModule(id);
    if (builtin === undefined) return nodes()(id);
    builtins.set(id, builtin);
    return builtin;
  };
  const resolve = Object.assign((id: string, options?: object) => nodes().resolve(id, options), {
    paths: (id: string) => nodes().resolve.paths(id),
  });
  const { _cache: cache, _extensions: extensions } = loader;
  return Object.assign(require, { resolve, cache, extensions, main: module }) as NodeJS.Require;
}

const fromDisk = loader._extensions[".js"];
loader._extensions[".js"] = (made, name) => {
  const place = places.get(name);
  if (place === undefined) return fromDisk?.(made, name);
  execute(place, made);
};

tellOrigins(`${file}.map`);
load(places.get(join(app, "runtime", "main.cjs")) as number, module);
