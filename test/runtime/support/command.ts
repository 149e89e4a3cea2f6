import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localDirectory } from "../../../cli/context.ts";
import { claimFile } from "../../../cli/pulumi/places.ts";
import { WORKER } from "../../support/names.ts";
import { capture, type Finished, ROOT } from "../../support/process.ts";

/**
 * The command line, on the runtimes of this test; its exit code and all that it prints. No Pulumi operation has
 * made them, so a claim says that they are this clone's: commands refuse another one's.
 */
export async function redfleet(...words: string[]): Promise<Finished> {
  await mkdir(localDirectory(WORKER), { recursive: true });
  await writeFile(claimFile(WORKER), "");
  try {
    const command = [join(ROOT, "cli/bin/redfleet.mjs"), ...words];
    return await capture(process.execPath, command, { env: { REDFLEET_STACK: WORKER } });
  } finally {
    await rm(localDirectory(WORKER), { recursive: true, force: true });
  }
}
