import { link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { log, runJob } from "./log.ts";
import { required, secretFrom } from "./settings.ts";

/**
 * Puts a generated secret where it stays. One that is there already is the right one, because data is encrypted
 * with it: the stack may have generated another meanwhile, for a cluster that was removed and put back.
 */
async function main() {
  const kept = required("REDFLEET_KEPT_FILE");
  const made = `${kept}.new`;
  await rm(made, { force: true });
  await writeThrough(made, secretFrom("REDFLEET_SECRET_FILE"));
  try {
    // A link appears with its whole content, and never in the place of another.
    await link(made, kept);
    log("secret-written", { file: kept });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    log("secret-kept", { file: kept });
  }
  await rm(made);
  await sync(dirname(kept));
}

/** A file for its owner alone, on the disk before it gets its name. */
async function writeThrough(path: string, text: string) {
  const file = await open(path, "wx", 0o400);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(folder: string) {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

await runJob(main);
