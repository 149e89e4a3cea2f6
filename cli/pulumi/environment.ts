import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ROOT, stackFileOf } from "../context.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { writeAtomic } from "../setup/files.ts";
import { startTime } from "../setup/process.ts";
import { launcherDirectory, pulumiHome } from "../setup/toolchain/versions.ts";
import { copyBack, overlay, saltOf } from "./overlay.ts";
import { overlayFile, PASSPHRASE, POINTER, STATE } from "./places.ts";
import { readState } from "./state.ts";

/**
 * Names the run that a process belongs to: clone, and the id and start time of the process that
 * drives it. Provider plugins inherit it, so what a killed run left behind can be told from others.
 */
export const RUN_MARK = "REDFLEET_RUN";

/** Resources at a time: most of the work is to wait, for containers to be healthy or for volumes to go. */
const PARALLEL = "32";

/** This process's mark. */
export const runMark = (): string => `${ROOT}|${process.pid}|${startTime(process.pid)}`;

/** Folder of the Pulumi command line that the set-up has found or made. */
export function pulumiDirectory(): string {
  try {
    const { directory } = JSON.parse(readFileSync(POINTER, "utf8")) as { directory: string };
    if (existsSync(join(directory, "pulumi"))) return directory;
  } catch {
    // no set-up yet: where npm's launcher would have put it
  }
  return launcherDirectory();
}

const binaryPath = (): string => join(pulumiDirectory(), "pulumi");

/** True once a set-up has found or made Pulumi. */
export const isInstalled = (): boolean => existsSync(binaryPath());

/** Path of the real Pulumi command. */
export function pulumiBinary(): string {
  if (isInstalled()) return binaryPath();
  throw new CliError({
    what: "the Pulumi command line is not installed yet",
    fix: `${redfleet("up")} installs everything that is missing`,
  });
}

/** Variables that make Pulumi work on this clone's state, as values to add to an environment. */
export function pulumiEnvironment(stack: string): Record<string, string> {
  const path = [pulumiDirectory(), dirname(process.execPath), process.env.PATH ?? ""];
  const environment: Record<string, string> = {
    PATH: path.join(delimiter),
    PULUMI_HOME: pulumiHome(),
    PULUMI_BACKEND_URL: `file://${STATE}`,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_PARALLEL: PARALLEL,
    PULUMI_OPTION_CONFIG_FILE: overlayFile(stack),
    [RUN_MARK]: process.env[RUN_MARK] ?? runMark(),
  };
  if (process.env.PULUMI_CONFIG_PASSPHRASE === undefined) {
    environment.PULUMI_CONFIG_PASSPHRASE_FILE = PASSPHRASE;
  }
  return environment;
}

/** Writes the copy of the stack file that Pulumi works on; returns its text. */
export async function writeOverlay(stack: string): Promise<string> {
  const target = overlayFile(stack);
  const previous = read(target);
  const salt = readState(stack).salt ?? (previous && saltOf(previous));
  const text = overlay(read(stackFileOf(stack)) ?? "", salt);
  if (text !== previous) await writeAtomic(target, text, 0o600);
  return text;
}

/** Brings what Pulumi has changed in the copy back into the tracked stack file. */
export async function absorbOverlay(stack: string, before: string): Promise<void> {
  const file = stackFileOf(stack);
  const tracked = read(file);
  const changed = copyBack(tracked ?? "", before, read(overlayFile(stack)) ?? before);
  if (changed !== undefined && (changed !== "" || tracked !== undefined)) {
    await writeAtomic(file, changed);
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
