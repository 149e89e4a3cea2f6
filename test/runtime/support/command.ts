import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll } from "vitest";
import { localDirectory } from "../../../cli/context.ts";
import { claim } from "../../../cli/pulumi/claim.ts";
import { WORKER } from "../../support/names.ts";
import { capture, type Finished, ROOT } from "../../support/process.ts";

afterAll(() => rm(localDirectory(WORKER), { recursive: true, force: true }));

/** The command line, on the runtimes of this test; its exit code and all that it prints. */
export async function redfleet(...words: string[]): Promise<Finished> {
  // Commands refuse what no Pulumi operation of this clone has made, unless it was made before a claim.
  await claim(WORKER);
  const command = [join(ROOT, "cli/bin/redfleet.mjs"), ...words];
  return capture(process.execPath, command, { env: { REDFLEET_STACK: WORKER } });
}
