import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { localDirectory } from "../../../cli/context.ts";
import { claimFile } from "../../../cli/pulumi/places.ts";
import { WORKER } from "../../support/names.ts";
import { capture, type Finished, ROOT } from "../../support/process.ts";

// Commands refuse what no Pulumi operation of this clone has made, unless it was claimed.
beforeAll(async () => {
  await mkdir(localDirectory(WORKER), { recursive: true });
  await writeFile(claimFile(WORKER), "");
});
afterAll(() => rm(localDirectory(WORKER), { recursive: true, force: true }));

/** The command line, on the runtimes of this test; its exit code and all that it prints. */
export function redfleet(...words: string[]): Promise<Finished> {
  const command = [join(ROOT, "cli/bin/redfleet.mjs"), ...words];
  return capture(process.execPath, command, { env: { REDFLEET_STACK: WORKER } });
}
