import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type BaseImages, readBases } from "../../components/images/bases.ts";
import { contextFiles, imageTag } from "../../components/images/digest.ts";
import { planImages } from "../../components/images/plan.ts";
import type { ImageId } from "../../components/target/types.ts";
import { engine } from "./engine.ts";
import { ROOT } from "./process.ts";
import { type TarFile, tar } from "./tar.ts";

/** The platform's own image of that id, built unless the engine has it: the tag is a digest of its content. */
export function platformImage(id: ImageId, bases: BaseImages = readBases(ROOT)): Promise<string> {
  const plan = planImages("test", bases).find((build) => build.image === id);
  if (plan === undefined) throw new Error(`no image ${id}`);
  return imageOf(plan.folder, plan.args);
}

/** The image of a folder below `images/` with these build arguments, built unless the engine has it. */
export function imageOf(folder: string, args: Record<string, string>): Promise<string> {
  const context = join(ROOT, "images", folder);
  return buildOnce(imageTag(folder, args, ROOT), args, () => tar(contextOf(context)));
}

/** Builds an image from an archive unless the engine has the tag, which has to stand for its content. */
export async function buildOnce(
  tag: string,
  args: Record<string, string>,
  archive: () => Buffer | Promise<Buffer>,
): Promise<string> {
  if (await exists(tag)) return tag;
  const options = { t: tag, buildargs: args, rm: true, forcerm: true };
  await finished(await engine.buildImage(Readable.from([await archive()]), options));
  return tag;
}

/** What the engine gets of a folder. */
function contextOf(folder: string): TarFile[] {
  return contextFiles(folder).map((name) => {
    const path = join(folder, name);
    return { name, content: readFileSync(path), owner: 0, mode: statSync(path).mode & 0o777 };
  });
}

async function exists(tag: string): Promise<boolean> {
  return engine
    .getImage(tag)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

interface Step {
  stream?: string;
  error?: string;
}

/** Waits for the end of a build, which the engine tells as a step. @throws with the builder's last lines. */
function finished(output: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    engine.modem.followProgress(output, (cause: Error | null, steps: Step[]) => {
      if (!cause && steps.every(({ error }) => error === undefined)) return resolve();
      const lines = steps.slice(-20).map(({ stream, error }) => stream ?? error ?? "");
      reject(new Error(lines.join(""), { cause }));
    });
  });
}
