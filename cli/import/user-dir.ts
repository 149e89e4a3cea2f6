import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { CliError } from "../errors.ts";
import { SESSIONS_LEFT_OUT, SETTINGS_LEFT_OUT } from "./left-out.ts";
import { parseLibraryFile } from "./library-file.ts";
import { GENERATED_SECRET, revealed } from "./secrets.ts";
import type { FlowNode, Found, LibraryEntry, SourceOptions } from "./types.ts";

/** Files that may hold the generated secret: that of 1.3 and later, the one before, projects. */
const SECRET_FILES = [".config.runtime.json", ".config.json"];

/** Files and folders that stay behind, as the report says it. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "settings.js": "settings.js: its settings, and its users where it has some",
  ".config.users.json": SETTINGS_LEFT_OUT,
  ".sessions.json": SESSIONS_LEFT_OUT,
  context: "context: values in files; a flow can write them anew",
};

/** Reads the user directory (`~/.node-red`, `/data`) of a plain Node-RED. */
export async function readUserDir(folder: string, options: SourceOptions): Promise<Found> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CliError({
      what: `there is no directory ${folder}`,
      fix: "name the user directory of the Node-RED, for example ~/.node-red",
    });
  }
  const file = flowFile(folder, options.flowFile);
  const credentialFile = join(folder, file.replace(/\.json$/, "_cred.json"));
  const stored = existsSync(credentialFile) ? readJson<object>(credentialFile) : {};
  return {
    system: `user directory, flow file ${file}`,
    flows: readJson<FlowNode[]>(join(folder, file)),
    credentials: revealed(stored, options.credentialSecret ?? generatedSecret(folder)),
    library: readLibrary(join(folder, "lib")),
    modules: modulesOf(folder),
    leftOut: Object.entries(LEFT_OUT).flatMap(([name, line]) =>
      existsSync(join(folder, name)) ? [line] : [],
    ),
  };
}

function flowFile(folder: string, named: string | undefined): string {
  const files = globSync("flow*.json", { cwd: folder }).filter(
    (file) => !/_cred\.json$/.test(file),
  );
  const wanted = named ?? (files.includes("flows.json") ? "flows.json" : undefined);
  if (wanted !== undefined && existsSync(join(folder, wanted))) return wanted;
  const [only] = files;
  if (wanted === undefined && only !== undefined && files.length === 1) return only;
  throw new CliError({
    what:
      wanted === undefined
        ? `no single flow file in ${folder}`
        : `there is no ${wanted} in ${folder}`,
    why: files.length === 0 ? "it has no flow*.json" : `it has ${files.sort().join(", ")}`,
    fix: "--flow-file <name> says which one; of a project, name its own folder below projects/",
  });
}

function generatedSecret(folder: string): string | undefined {
  const files = SECRET_FILES.map((file) => join(folder, file)).filter((file) => existsSync(file));
  const found = files.map((file) => readJson<Record<string, unknown>>(file)[GENERATED_SECRET]);
  return found.find((secret) => typeof secret === "string") as string | undefined;
}

function modulesOf(folder: string): Record<string, string> {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return {};
  return readJson<{ dependencies?: Record<string, string> }>(file).dependencies ?? {};
}

function readLibrary(folder: string): LibraryEntry[] {
  const found = globSync("*/**", { cwd: folder, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && !entry.name.startsWith("."));
  return files.map(({ parentPath, name }) => {
    const file = join(parentPath, name);
    const [type = "", ...path] = relative(folder, file).split(sep);
    return parseLibraryFile(type, path.join("/"), readFileSync(file, "utf8"));
  });
}

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    throw new CliError({
      what: `${file} cannot be read`,
      why: (error as Error).message,
      fix: "an interrupted write leaves a half file: Node-RED keeps the one before as .<name>.backup",
    });
  }
}
