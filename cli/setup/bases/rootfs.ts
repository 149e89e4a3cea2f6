import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { aptProxyOptions, hostSources, mirrorsFor } from "../apt.ts";
import { run } from "../exec.ts";
import type { Note } from "../progress.ts";
import { type Engine, pullOutput } from "./engine-images.ts";
import { imageFolder, KEY_LABEL, OFFLINE, SUITE } from "./pins.ts";

/** Packages beyond dpkg, apt and what is essential. */
const INCLUDE = "passwd,ca-certificates,tini";
/** A fixed time makes the archive the same, byte for byte, from the same packages. */
const SOURCE_DATE_EPOCH = "1790000000";

/** What the root file system is made of, for its content key. */
export const rootfsInputs = { files: [imageFolder("debian")], texts: [SUITE, INCLUDE] };

/** Puts a Debian root together from packages and hands it to the engine as an image. */
export async function makeRootfs(
  engine: Engine,
  key: string,
  directory: string,
  note: Note,
): Promise<void> {
  const sources = join(directory, "sources.list");
  const archive = join(directory, "root.tar");
  await writeFile(sources, `${mirrorsFor(SUITE, hostSources()).join("\n")}\n`);
  const proxies = (await aptProxyOptions()).map((option) => `--aptopt=${option}`);
  await run(
    ...inNamespace("mmdebstrap", [
      "--variant=apt",
      "--dpkgopt=force-unsafe-io",
      '--aptopt=Acquire::Languages "none"',
      '--aptopt=APT::Install-Recommends "false"',
      ...proxies,
      `--include=${INCLUDE}`,
      `--customize-hook=bash ${join(imageFolder("debian"), "slim.sh")} "$1"`,
      SUITE,
      archive,
      sources,
    ]),
    { timeoutSeconds: 300, env: { TMPDIR: directory, SOURCE_DATE_EPOCH }, onLine: note },
  );
  note("import");
  const [repo, tag] = OFFLINE.debian.split(":");
  const changes = [
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    'CMD ["bash"]',
    `LABEL ${KEY_LABEL}=${key}`,
  ];
  const stream = await engine.importImage(createReadStream(archive), { repo, tag, changes });
  await pullOutput(engine, stream, note);
}

/**
 * As root, mmdebstrap mounts /proc, /sys and devices into the root that it makes. In namespaces of its
 * own all of that ends with it, even when it is killed.
 */
function inNamespace(command: string, args: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, [...args]];
  const flags = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  return ["unshare", [...flags, "--", command, ...args]];
}
