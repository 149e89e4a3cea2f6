import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { CliError } from "../../errors.ts";
import { POINTER } from "../../pulumi/places.ts";
import { tryRun } from "../exec.ts";
import { writeAtomic } from "../files.ts";
import { type Note, step } from "../progress.ts";
import { withWorkDirectory } from "../work.ts";
import { goBuild, SOURCES, sourcesKey } from "./go.ts";
import {
  KEY_FILE,
  LANGUAGE_HOST,
  launcherDirectory,
  PLUGINS,
  type PluginName,
  PULUMI,
  pluginDirectory,
  pulumiHome,
} from "./versions.ts";

/** Longest time for the vendor's download: an unreachable host is known after a second or ten. */
const DOWNLOAD_TIMEOUT = 180;
/** Room for the programs while they are linked, in bytes. */
const WORK_SPACE = 8e8;

/** Sees to it that the Pulumi command line and its plugins are there; returns the folder of the first. */
export async function ensurePulumi(): Promise<string> {
  const key = sourcesKey();
  const directory = (await onPath()) ?? (await installed(key)) ?? (await obtain(key));
  await ensurePlugins(directory, key);
  const pointer = `${JSON.stringify({ directory }, null, 2)}\n`;
  if ((await readFile(POINTER, "utf8").catch(() => "")) !== pointer) {
    await writeAtomic(POINTER, pointer);
  }
  return directory;
}

/** A command line on PATH that is new enough and not this clone's own wrapper. */
async function onPath(): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? "").split(":")) {
    if (directory.includes(`node_modules${sep}.bin`) || directory === launcherDirectory()) continue;
    const binary = join(directory, "pulumi");
    const host = join(directory, "pulumi-language-nodejs");
    if (!existsSync(binary) || !existsSync(host)) continue;
    const { stdout } = await tryRun(binary, ["version"], { timeoutSeconds: 20 });
    if (isRecent(stdout.trim())) return directory;
  }
  return undefined;
}

const home = () => ({ PULUMI_HOME: pulumiHome() });

/** True for a version of the same major that is not older than ours. */
export function isRecent(version: string): boolean {
  const numbers = (text: string) => text.replace(/^v/, "").split(".").map(Number);
  const [major, minor = 0] = numbers(version);
  const [ourMajor, ourMinor = 0] = numbers(PULUMI);
  return major === ourMajor && minor >= ourMinor;
}

/** The folder that npm's launcher uses, if it is complete: the vendor's, or built from these sources. */
async function installed(key: string): Promise<string | undefined> {
  const directory = launcherDirectory();
  const complete = ["pulumi", "pulumi-language-nodejs"].every((name) =>
    existsSync(join(directory, name)),
  );
  return complete && (await isCurrent(directory, key)) ? directory : undefined;
}

/** True for what the vendor made, and for what was built here from the same sources. */
async function isCurrent(directory: string, key: string): Promise<boolean> {
  const built = await readFile(join(directory, KEY_FILE), "utf8").catch(() => undefined);
  return built === undefined || built === key;
}

async function obtain(key: string): Promise<string> {
  const directory = launcherDirectory();
  // The launcher takes what lies there for the right one: an older build of ours is not.
  await rm(join(directory, "pulumi"), { force: true });
  const source = await step(`Pulumi ${PULUMI}: vendor's download`, async (note) => {
    const launcher = ["exec", "--yes", `--package=pulumi@${PULUMI}`, "--", "pulumi", "version"];
    const options = { env: home(), timeoutSeconds: DOWNLOAD_TIMEOUT, onLine: note };
    const got = await tryRun("npm", launcher, options);
    return got.code === 0 && existsSync(join(directory, "pulumi")) ? "done" : "out of reach";
  });
  if (source === "done") return directory;
  await step(`Pulumi ${PULUMI}: built from Go modules (minutes, once)`, async (note) => {
    await withWorkDirectory(WORK_SPACE, (work) => build(work, key, note));
  });
  return directory;
}

/** Builds everything at once: the command line and the plugins share most of their packages. */
async function build(work: string, key: string, note: Note): Promise<void> {
  const plugins = ["./docker/pulumi-resource-docker", "./random/pulumi-resource-random"];
  const cli = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
  const host = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
  await goBuild({ module: SOURCES, packages: [cli, ...plugins], version: PULUMI }, work, note);
  const language = join(SOURCES, "language");
  await goBuild({ module: language, packages: [host], version: LANGUAGE_HOST }, work, note);
  // The command line goes last: where it is, the folder is complete.
  const directory = launcherDirectory();
  await place(join(work, "pulumi-language-nodejs"), directory, "pulumi-language-nodejs-host");
  await place(join(language, "pulumi-language-nodejs.sh"), directory, "pulumi-language-nodejs");
  await writeAtomic(join(directory, KEY_FILE), key);
  await place(join(work, "pulumi"), directory, "pulumi");
  for (const name of Object.keys(PLUGINS) as PluginName[]) {
    await installPlugin(directory, name, join(work, `pulumi-resource-${name}`), key);
  }
}

/** Copies a program into a folder; it shows up there whole or not at all. */
async function place(file: string, directory: string, name: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const target = join(directory, name);
  const temporary = `${target}.${process.pid}`;
  await copyFile(file, temporary);
  await chmod(temporary, 0o755);
  await rename(temporary, target);
}

async function ensurePlugins(directory: string, key: string): Promise<void> {
  const names = Object.keys(PLUGINS) as PluginName[];
  const current = await Promise.all(names.map((name) => hasPlugin(name, key)));
  const missing = names.filter((_, index) => !current[index]);
  // Where the command line had to be built, its vendor is out of reach for plugins too.
  const vendor = !existsSync(join(directory, KEY_FILE));
  const wanting: PluginName[] = [];
  for (const name of missing) {
    if (!vendor || !(await downloadPlugin(directory, name))) wanting.push(name);
  }
  if (wanting.length === 0) return;
  await step(`Plugins built from Go modules: ${wanting.join(", ")}`, async (note) => {
    await withWorkDirectory(WORK_SPACE, async (work) => {
      const packages = wanting.map((name) => `./${name}/pulumi-resource-${name}`);
      await goBuild({ module: SOURCES, packages, version: PULUMI }, work, note);
      for (const name of wanting) {
        await installPlugin(directory, name, join(work, `pulumi-resource-${name}`), key);
      }
    });
  });
}

async function hasPlugin(name: PluginName, key: string): Promise<boolean> {
  const directory = pluginDirectory(name);
  // Pulumi marks a plugin that is still being unpacked.
  if (existsSync(`${directory}.partial`)) return false;
  return existsSync(join(directory, `pulumi-resource-${name}`)) && isCurrent(directory, key);
}

async function downloadPlugin(directory: string, name: PluginName): Promise<boolean> {
  const title = `Plugin ${name} ${PLUGINS[name]}: vendor's download`;
  const answer = await step(title, async (note) => {
    const args = ["plugin", "install", "resource", name, PLUGINS[name]];
    const options = { env: home(), timeoutSeconds: DOWNLOAD_TIMEOUT, onLine: note };
    const got = await tryRun(join(directory, "pulumi"), args, options);
    return got.code === 0 ? "done" : "out of reach";
  });
  return answer === "done";
}

async function installPlugin(
  directory: string,
  name: PluginName,
  file: string,
  key: string,
): Promise<void> {
  const install = ["plugin", "install", "resource", name, PLUGINS[name], "--reinstall"];
  const got = await tryRun(join(directory, "pulumi"), [...install, "--file", file], {
    env: home(),
    timeoutSeconds: 60,
  });
  if (got.code !== 0) throw new CliError({ what: `plugin ${name} not installed`, why: got.tail });
  await writeFile(join(pluginDirectory(name), KEY_FILE), key);
}
