import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { localDirectory, ROOT, stackFileOf } from "../context.ts";
import { CliError } from "../errors.ts";
import { tryRun } from "../setup/exec.ts";
import { writeAtomic } from "../setup/files.ts";
import { step } from "../setup/progress.ts";
import { pulumiBinary, pulumiEnvironment, writeOverlay } from "./environment.ts";
import { knownCause } from "./failure.ts";
import { checkpointFile } from "./places.ts";
import { hasState } from "./state.ts";

/** Checkpoints that are kept from before each `up`. */
const KEEP = 20;

/** Sees to it that the stack is known to Pulumi, without touching its tracked file. */
export async function ensureStack(stack: string): Promise<void> {
  if (!existsSync(stackFileOf(stack))) {
    throw new CliError({
      what: `there is no stack file Pulumi.${stack}.yaml`,
      fix: `copy Pulumi.dev.yaml to it and choose other ports and another domain`,
    });
  }
  if (!isReadable(stack)) await step(`Stack ${stack}: initialised`, () => initialise(stack));
  await writeOverlay(stack);
}

/** A checkpoint that was cut off at its very first write holds nothing yet. */
function isReadable(stack: string): boolean {
  if (!hasState(stack)) return false;
  try {
    JSON.parse(readFileSync(checkpointFile(stack), "utf8"));
    return true;
  } catch {
    return restoreCheckpoint(stack);
  }
}

/** Pulumi keeps the last checkpoint beside the current one. */
function restoreCheckpoint(stack: string): boolean {
  const file = checkpointFile(stack);
  try {
    JSON.parse(readFileSync(`${file}.bak`, "utf8"));
    copyFileSync(`${file}.bak`, file);
    return true;
  } catch {
    rmSync(file, { force: true });
    return false;
  }
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

/** Keeps a copy of the checkpoint as it is before an operation. */
export function backUpState(stack: string): void {
  if (!hasState(stack)) return;
  const directory = join(localDirectory(stack), "backups");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const kept = readdirSync(directory).sort();
  const current = readFileSync(checkpointFile(stack));
  const newest = kept.at(-1);
  if (newest && readFileSync(join(directory, newest)).equals(current)) return;
  const stamp = new Date().toISOString().replaceAll(":", "-");
  copyFileSync(checkpointFile(stack), join(directory, `${stamp}.json`));
  for (const name of kept.slice(0, Math.max(0, kept.length + 1 - KEEP))) {
    rmSync(join(directory, name), { force: true });
  }
}
