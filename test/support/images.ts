import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { engine } from "./engine.ts";
import { ROOT } from "./process.ts";

/** Base images that set-up found or made; the official ones where it made none. */
export interface Bases {
  readonly node: string;
  readonly nodeBuild: string;
  readonly haproxy: string;
  readonly mongodb: string;
}

const OFFICIAL: Bases = {
  node: "node:24-trixie-slim",
  nodeBuild: "node:24-trixie-slim",
  haproxy: "haproxy:3.0",
  mongodb: "mongo:6.0",
};

/** The base images of this clone. */
export function readBases(): Bases {
  const file = join(ROOT, ".redfleet", "bases.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : OFFICIAL;
}

/** Builds one of the platform's images out of `images/<folder>`; cached layers make it fast. */
export async function buildImage(
  folder: string,
  tag: string,
  buildargs: Record<string, string>,
): Promise<string> {
  const context = join(ROOT, "images", folder);
  const tar = spawn("tar", ["-C", context, "--exclude=node_modules", "-c", "."]);
  const stream = await engine.buildImage(tar.stdout, { t: tag, buildargs });
  const steps = await new Promise<{ error?: string }[]>((resolve, reject) => {
    engine.modem.followProgress(stream, (error, output) =>
      error ? reject(error) : resolve(output),
    );
  });
  const failed = steps.find((step) => step.error !== undefined);
  if (failed) throw new Error(`building ${folder}: ${failed.error}`);
  return tag;
}
