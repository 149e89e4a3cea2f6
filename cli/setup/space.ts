import { statfs } from "node:fs/promises";
import { ROOT } from "../context.ts";
import type { Engine } from "../engine/client.ts";
import { CliError } from "../errors.ts";
import { LOCAL } from "../pulumi/places.ts";

/** Least free space to begin with, in bytes: databases that run out of it stop. */
const LEAST = 1e9;

/** Refuses to begin on a disk that is full. */
export async function assertSpace(docker: Engine): Promise<void> {
  const { DockerRootDir } = (await docker.info()) as { DockerRootDir?: string };
  for (const path of [ROOT, LOCAL, DockerRootDir ?? "/var/lib/docker"]) {
    // an engine on another machine, or one whose folder is not readable
    const free = await statfs(path).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => Number.POSITIVE_INFINITY,
    );
    if (free >= LEAST) continue;
    throw new CliError({
      what: `the disk is full: ${Math.round(free / 1e6)} MB free at ${path}`,
      why: `at least ${LEAST / 1e9} GB is needed to begin`,
      fix: "free some space (docker system df; docker image prune), then run the command again",
    });
  }
}
