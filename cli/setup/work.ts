import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { LOCAL } from "../pulumi/places.ts";
import { isAlive } from "./process.ts";

const PREFIX = "redfleet-work-";

/**
 * Runs with a directory of its own, in memory if there is room, and removes it afterwards. What an
 * earlier run left behind when it was killed is removed first.
 * @param bytes room that the work needs
 */
export async function withWorkDirectory<T>(
  bytes: number,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const parent = (await fitsInMemory(bytes)) ? "/dev/shm" : join(LOCAL, "tmp");
  await mkdir(parent, { recursive: true });
  for (const place of ["/dev/shm", join(LOCAL, "tmp")]) await sweep(place);
  const directory = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A container's /dev/shm is small and noexec: then the clone's disk serves. */
async function fitsInMemory(bytes: number): Promise<boolean> {
  try {
    await access("/dev/shm", constants.W_OK);
    const { bavail, bsize } = await statfs("/dev/shm");
    const mount = (await readFile("/proc/mounts", "utf8"))
      .split("\n")
      .find((line) => line.split(" ")[1] === "/dev/shm");
    return bavail * bsize > bytes && mount !== undefined && !/noexec|nodev/.test(mount);
  } catch {
    return false;
  }
}

async function sweep(place: string): Promise<void> {
  const names = await readdir(place).catch(() => [] as string[]);
  for (const name of names.filter((entry) => entry.startsWith(PREFIX))) {
    const pid = Number(name.slice(PREFIX.length).split("-")[0]);
    if (isAlive(pid)) continue;
    await rm(join(place, name), { recursive: true, force: true }).catch(() => {});
  }
}
