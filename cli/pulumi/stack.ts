import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { localDirectory, ROOT } from "../context.ts";
import { CliError } from "../errors.ts";
import { tryRun } from "../setup/exec.ts";
import { writeAtomic } from "../setup/files.ts";
import { step } from "../setup/progress.ts";
import { assertStackFile } from "../stackfile/edit.ts";
import { ensureCheckpoint } from "./checkpoint.ts";
import { pulumiBinary, pulumiEnvironment, writeOverlay } from "./environment.ts";
import { knownCause } from "./failure.ts";

/** Sees to it that the stack is known to Pulumi, without touching its tracked file. */
export async function ensureStack(stack: string): Promise<void> {
  assertStackFile(stack);
  if (!ensureCheckpoint(stack)) await step(`Stack ${stack}: initialised`, () => initialise(stack));
  await writeOverlay(stack);
}

/** `stack init` writes a salt into the stack file: it gets a copy of the project to do so. */
async function initialise(stack: string): Promise<void> {
  const directory = join(localDirectory(stack), "init");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await cp(join(ROOT, "Pulumi.yaml"), join(directory, "Pulumi.yaml"));
  await writeAtomic(join(directory, `Pulumi.${stack}.yaml`), "");
  const args = ["stack", "init", stack, "--no-select", "--non-interactive"];
  const env = { ...pulumiEnvironment(stack), PULUMI_OPTION_CONFIG_FILE: undefined };
  const got = await tryRun(pulumiBinary(), args, { cwd: directory, env, timeoutSeconds: 60 });
  if (got.code !== 0) {
    const unknown = { what: "pulumi stack init failed", why: got.tail };
    throw new CliError(knownCause(stack, got.tail) ?? unknown);
  }
  await rm(directory, { recursive: true, force: true });
}
