import { cp } from "node:fs/promises";
import { join } from "node:path";
import { OFFICIAL_BASES } from "../../../components/images/bases.ts";
import { LOCAL } from "../../pulumi/places.ts";
import { installMissing } from "../apt.ts";
import { contentKey, readJson, writeAtomic } from "../files.ts";
import { type Note, step } from "../progress.ts";
import { withWorkDirectory } from "../work.ts";
import { buildFolder, type Engine, keyOf } from "./engine-images.ts";
import { checkedMirror, checkMirror, mirroredBases } from "./mirror.ts";
import { addMongod, addNode, addNpm, hostCertificates, npmConfiguration } from "./parts.ts";
import { type BaseName, imageFolder, OFFLINE } from "./pins.ts";
import { makeRootfs, rootfsInputs } from "./rootfs.ts";

/** What `.redfleet/bases.json` says: how base images are had, and the tag of each. */
export type Bases = Record<BaseName, string> & Source;

/** How base images are had. */
interface Source {
  mode: "registry" | "offline";
  /** A registry that has the official images under names of its own. */
  mirror?: string;
}

const FILE = join(LOCAL, "bases.json");
/** Longest wait for a registry's answer, in milliseconds: a machine without the Internet must not wait. */
const REGISTRY_TIMEOUT = 5000;
/** Room for the root file system while it is put together, in bytes. */
const WORK_SPACE = 1.5e9;

/** Sees to it that every base image can be built upon, and records how in `.redfleet/bases.json`. */
export async function ensureBases(engine: Engine): Promise<Bases> {
  const before = await readJson<Bases>(FILE);
  const source = await chooseSource(engine, before);
  if (source.mode === "offline") await makeMissing(engine);
  const bases: Bases = { ...source, ...imagesOf(source) };
  if (JSON.stringify(before) !== JSON.stringify(bases)) {
    await writeAtomic(FILE, `${JSON.stringify(bases, null, 2)}\n`);
  }
  return bases;
}

function imagesOf({ mode, mirror }: Source): Record<BaseName, string> {
  if (mode === "offline") return OFFLINE;
  return mirror === undefined ? OFFICIAL_BASES : mirroredBases(mirror);
}

/** The source stays what it was; `REDFLEET_IMAGES=registry|offline|<mirror>` decides otherwise. */
async function chooseSource(engine: Engine, before: Bases | undefined): Promise<Source> {
  const wish = process.env.REDFLEET_IMAGES;
  if (wish === "registry" || wish === "offline") return { mode: wish };
  if (wish) return mirrored(engine, checkedMirror(wish), before);
  if (before) {
    const { mode, mirror } = before;
    return mirror === undefined ? { mode } : { mode, mirror };
  }
  const answer = await step("Image registry", async () =>
    (await registryAnswers(engine)) ? "answers" : "out of reach: bases are built from packages",
  );
  return { mode: answer === "answers" ? "registry" : "offline" };
}

/** A mirror is asked for its images when it is named first. */
async function mirrored(
  engine: Engine,
  mirror: string,
  before: Bases | undefined,
): Promise<Source> {
  if (before?.mirror !== mirror) {
    await step("Image mirror", async () => {
      await checkMirror(engine, mirror);
      return mirror;
    });
  }
  return { mode: "registry", mirror };
}

/** Asks the engine for one official image's manifest, the way that a pull would go. */
async function registryAnswers(engine: Engine): Promise<boolean> {
  const asked = engine
    .getImage(OFFICIAL_BASES.haproxy)
    .distribution()
    .then(
      () => true,
      () => false,
    );
  const tooLate = new Promise<boolean>((resolve) => {
    setTimeout(resolve, REGISTRY_TIMEOUT, false).unref();
  });
  return Promise.race([asked, tooLate]);
}

interface Recipe {
  name: Exclude<BaseName, "debian">;
  folder: string;
  parent: BaseName;
  /** Texts beside the folder that the image depends on. */
  inputs?: () => Promise<string[]>;
  add?: (context: string, note: Note) => Promise<void>;
}

const RECIPES: readonly Recipe[] = [
  { name: "node", folder: "node", parent: "debian", inputs: nodeVersion, add: addNode },
  { name: "nodeBuild", folder: "node-build", parent: "node", inputs: hostInputs, add: addNpm },
  { name: "mongodb", folder: "mongodb", parent: "debian", add: addMongod },
  { name: "valkey", folder: "valkey", parent: "debian" },
  { name: "haproxy", folder: "haproxy", parent: "debian" },
];

async function nodeVersion(): Promise<string[]> {
  return [process.version];
}

async function hostInputs(): Promise<string[]> {
  return [(await hostCertificates()).toString(), await npmConfiguration()];
}

/** Content keys: each covers its own inputs and, through its parent's key, all below. */
async function contentKeys(): Promise<Record<BaseName, string>> {
  const root = contentKey(rootfsInputs.files, [...rootfsInputs.texts, process.arch]);
  const keys = { debian: root } as Record<BaseName, string>;
  for (const recipe of RECIPES) {
    const texts = [keys[recipe.parent], ...((await recipe.inputs?.()) ?? [])];
    keys[recipe.name] = contentKey([imageFolder(recipe.folder)], texts);
  }
  return keys;
}

async function makeMissing(engine: Engine): Promise<void> {
  const keys = await contentKeys();
  const isMissing = async (name: BaseName) => (await keyOf(engine, OFFLINE[name])) !== keys[name];
  const names = Object.keys(OFFLINE) as BaseName[];
  const checks = await Promise.all(names.map(isMissing));
  const missing = new Set(names.filter((_, index) => checks[index]));
  if (missing.size === 0) return;
  await step("Tools for base images", (note) => installMissing({ mmdebstrap: "mmdebstrap" }, note));
  await withWorkDirectory(WORK_SPACE, async (directory) => {
    const done = {} as Record<BaseName, Promise<void>>;
    const make = (name: BaseName, work: (note: Note) => Promise<void>) => {
      done[name] = missing.has(name)
        ? step(`Base image ${OFFLINE[name]}`, work)
        : Promise.resolve();
    };
    make("debian", (note) => makeRootfs(engine, keys.debian, directory, note));
    for (const recipe of RECIPES) {
      const parent = done[recipe.parent];
      make(recipe.name, (note) => makeImage(engine, recipe, keys, { directory, parent, note }));
    }
    await Promise.all(Object.values(done));
  });
}

interface Place {
  directory: string;
  parent: Promise<void>;
  note: Note;
}

async function makeImage(
  engine: Engine,
  recipe: Recipe,
  keys: Record<BaseName, string>,
  { directory, parent, note }: Place,
): Promise<void> {
  const context = join(directory, recipe.folder);
  await cp(imageFolder(recipe.folder), context, { recursive: true });
  // What does not need the parent image is fetched while that one is made.
  await Promise.all([recipe.add?.(context, note), parent]);
  const image = { tag: OFFLINE[recipe.name], key: keys[recipe.name], base: OFFLINE[recipe.parent] };
  await buildFolder(engine, context, image, note);
}
