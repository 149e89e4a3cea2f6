/** The `pulumi` wrapper: the real command with this clone's state, passphrase, plugins and salt. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { ROOT, stackFileOf } from "../context.ts";
import { explain, renderExplanation } from "../errors.ts";
import { hintsFor, redfleet } from "../hint.ts";
import { writeAtomic } from "../setup/files.ts";
import { setUpPulumi } from "../setup/index.ts";
import { acquire } from "../setup/lock.ts";
import { pulumiHome } from "../setup/toolchain/versions.ts";
import {
  absorbOverlay,
  isInstalled,
  pulumiBinary,
  pulumiEnvironment,
  writeOverlay,
} from "./environment.ts";
import { ensureLocalState } from "./local.ts";
import { heldLock } from "./locks.ts";
import { assertChecked, commandOf, operationOf } from "./operation.ts";
import { saltOf, withoutSalt } from "./overlay.ts";
import { ownEngine, refuseForeignData } from "./owner.ts";
import { fitsPassphrase, wrongPassphrase } from "./passphrase.ts";
import { checkpointFile, lockFile, STATE } from "./places.ts";
import { ensureStack } from "./stack.ts";
import { readState } from "./state.ts";

/** The stack that a command line names, or the environment, or the selected one, or `dev`. */
function stackOf(args: readonly string[]): string {
  const index = args.findIndex((arg) => /^(?:-s|--stack)$/.test(arg));
  const joined = args.find((arg) => /^(?:-s|--stack)=/.test(arg));
  const named = index >= 0 ? args[index + 1] : joined?.slice(joined.indexOf("=") + 1);
  const initialised =
    args[0] === "stack" && args[1] === "init" ? firstWord(args.slice(2)) : undefined;
  const stack =
    named ??
    initialised ??
    process.env.PULUMI_STACK ??
    process.env.REDFLEET_STACK ??
    selectedStack() ??
    "dev";
  return stack.split("/").at(-1) ?? stack;
}

const firstWord = (args: readonly string[]) => args.find((arg) => !arg.startsWith("-"));

/** Pulumi remembers the selected stack per project file and backend. */
function selectedStack(): string | undefined {
  const hash = createHash("sha1").update(join(ROOT, "Pulumi.yaml")).digest("hex");
  const file = join(pulumiHome(), "workspaces", `redfleet-${hash}-workspace.json`);
  if (!existsSync(file)) return undefined;
  const { stacks } = JSON.parse(readFileSync(file, "utf8")) as { stacks?: Record<string, string> };
  return stacks?.[`file://${STATE}`]?.split("/").at(-1);
}

async function main(args: string[]): Promise<number> {
  const stack = stackOf(args);
  hintsFor(stack);
  assertChecked(args, stack, trackedText(stack));
  const operation = operationOf(args);
  if (operation !== undefined && operation !== "preview") await refuseForeign(stack, operation);
  await ensureLocalState();
  if (commandOf(args) === "config" && trackedText(stack) !== undefined) await ensureKnown(stack);
  const before = await writeOverlay(stack);
  const tracked = trackedText(stack);
  const env: Record<string, string> = { PULUMI_STACK: stack, ...pulumiEnvironment(stack) };
  // Protected volumes stay: they go by `redfleet down --delete-data`.
  if (operation === "destroy") env.PULUMI_OPTION_EXCLUDE_PROTECTED = "true";
  const code = await exec(pulumiBinary(), args, env);
  if (args[0] === "stack" && args[1] === "init") await undoSalt(stack, tracked);
  else await absorbOverlay(stack, before);
  if (code === 0 && operation === "destroy" && !isPreview(args) && keepsData(stack)) {
    console.error(`Data is kept in its volumes: ${redfleet("up", stack)} goes on with it.`);
    console.error(`For ever it goes by ${redfleet("down --delete-data --yes", stack)}.`);
  }
  // Pulumi's own words are to cancel, also where somebody is at work.
  const held = code !== 0 && operation !== undefined ? heldLock(stack) : undefined;
  if (held) console.error(renderExplanation(held));
  if (code !== 0 && !fitsPassphrase(saltOf(before))) {
    console.error(renderExplanation(wrongPassphrase(stack)));
  }
  return code;
}

/** Pulumi would fail half-way at what another clone has made, and take over or remove the rest. */
async function refuseForeign(stack: string, operation: string): Promise<void> {
  const docker = await ownEngine(stack);
  if (operation === "up") await refuseForeignData(docker, stack);
}

const isPreview = (args: readonly string[]) =>
  args.some((arg) => /^--preview-only(=true)?$/.test(arg));

/** A stack may need a secret before its first `up`, on a machine where there was none yet. */
async function ensureKnown(stack: string): Promise<void> {
  if (!isInstalled()) await setUpPulumi();
  if (existsSync(checkpointFile(stack))) return;
  const lock = await acquire(lockFile(stack, "run"), `the stack "${stack}"`);
  await lock.undisturbed(() => ensureStack(stack));
  // After a killed run the next `up` has to know of it.
  if (!lock.interrupted) await lock.release();
}

const keepsData = (stack: string): boolean =>
  readState(stack).resources.some(({ type, protect }) => type.endsWith(":Volume") && protect);

const trackedText = (stack: string): string | undefined =>
  existsSync(stackFileOf(stack)) ? readFileSync(stackFileOf(stack), "utf8") : undefined;

/** `stack init` writes the salt into the tracked file; it is in the state too, which is enough. */
async function undoSalt(stack: string, tracked: string | undefined): Promise<void> {
  const now = trackedText(stack);
  if (now === undefined || now === tracked || saltOf(tracked ?? "") !== undefined) return;
  if (withoutSalt(now) === tracked) await writeAtomic(stackFileOf(stack), tracked);
}

function exec(command: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // A terminal's Ctrl-C reaches Pulumi by itself; a second one makes it give up.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? "SIGTERM"]),
    );
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(renderExplanation(explain(error)));
  process.exitCode = 1;
}
