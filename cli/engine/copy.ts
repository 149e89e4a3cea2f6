import { buffer } from "node:stream/consumers";
import { type Engine, isGone } from "./client.ts";

const BLOCK = 512;

/** Reads one file out of a container, running or not; `undefined` if either does not exist. */
export async function readFileFrom(
  docker: Engine,
  container: string,
  path: string,
): Promise<Buffer | undefined> {
  try {
    const archive = await docker.getContainer(container).getArchive({ path });
    return firstFile(await buffer(archive));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Content of the first regular file of a tar archive (extended headers are skipped). */
export function firstFile(archive: Buffer): Buffer | undefined {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 135), 8) || 0;
    const type = archive.toString("latin1", at + 156, at + 157);
    const start = at + BLOCK;
    if (type === "0" || type === "\0") {
      return archive[at] === 0 ? undefined : archive.subarray(start, start + size);
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
