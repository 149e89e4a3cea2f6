import { rm } from "node:fs/promises";
import type { Command } from "commander";
import { globals, localDirectory } from "../context.ts";
import { connectedEngine, type Engine } from "../engine/client.ts";
import { ofStack } from "../engine/labels.ts";
import { CliError, EXIT } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { printJson } from "../output.ts";
import { pulumi } from "../pulumi/capture.ts";
import { backUpState } from "../pulumi/checkpoint.ts";
import { claiming } from "../pulumi/claim.ts";
import { RunReport } from "../pulumi/events.ts";
import { explainFailure, knownCause } from "../pulumi/failure.ts";
import { ensureLocalState } from "../pulumi/local.ts";
import { assertOwn } from "../pulumi/owner.ts";
import { lockFile } from "../pulumi/places.ts";
import { recover } from "../pulumi/recovery.ts";
import { runPulumi } from "../pulumi/run.ts";
import { ensureStack } from "../pulumi/stack.ts";
import { hasState } from "../pulumi/state.ts";
import { acquire } from "../setup/lock.ts";
import { endWithParent } from "../setup/parent.ts";
import { say, step } from "../setup/progress.ts";
import { assertStackFile } from "../stackfile/edit.ts";

interface DownOptions {
  deleteData?: boolean;
  yes?: boolean;
}

/** `redfleet down`: removes what runs and keeps all data, unless `--delete-data --yes` says otherwise. */
export function registerDown(program: Command): void {
  program
    .command("down")
    .description("take the platform down; data stays unless --delete-data")
    .option("--delete-data", "delete all volumes and the stack's state, for ever")
    .option("--yes", "answers what would be asked: only --delete-data asks")
    .action(async (options: DownOptions, command: Command) => {
      const { stack, json } = globals(command);
      if (options.deleteData && !options.yes) throw unconfirmed(stack);
      const dataDeleted = options.deleteData === true;
      const existed = await down(stack, dataDeleted);
      if (json) printJson({ stack, dataDeleted });
      else console.log(existed ? farewell(stack, dataDeleted) : nothing(stack));
    });
}

function unconfirmed(stack: string): CliError {
  return new CliError({
    what: `--delete-data deletes every flow, user and file of the stack "${stack}" for ever`,
    why: "it needs a confirmation",
    fix: redfleet("down --delete-data --yes", stack),
    exitCode: EXIT.usage,
  });
}

const nothing = (stack: string) => `There is nothing of the stack "${stack}" to take down.`;

function farewell(stack: string, dataDeleted: boolean): string {
  if (dataDeleted) return `The stack "${stack}" and all of its data are gone.`;
  return `The stack "${stack}" is down. Its data is kept: ${redfleet("up", stack)} brings it back.`;
}

/** True when there is anything of a stack: its state, or something on the engine. */
async function exists(docker: Engine, stack: string): Promise<boolean> {
  const filters = ofStack(stack);
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return hasState(stack) || [containers, networks, volumes ?? []].some(({ length }) => length > 0);
}

/** @returns false when there is nothing of the stack to take down */
async function down(stack: string, deleteData: boolean): Promise<boolean> {
  endWithParent();
  // First of all: an `up` in its set-up has nothing to show yet, and would bring up what this one did not find.
  const lock = await acquire(lockFile(stack, "run"), `the stack "${stack}"`);
  const docker = await lock.undisturbed(() => prepare(stack, lock.interrupted));
  if (docker) await takeAway(docker, stack, deleteData);
  await lock.release();
  return docker !== undefined;
}

/**
 * What has to hold before anything is taken away; changes nothing but what a killed run left behind.
 * @returns the engine; undefined when there is nothing of the stack
 */
async function prepare(stack: string, interrupted: boolean): Promise<Engine | undefined> {
  const docker = await connectedEngine();
  if (!(await exists(docker, stack))) {
    assertStackFile(stack);
    return undefined;
  }
  await ensureLocalState();
  if (hasState(stack)) {
    await ensureStack(stack);
    await recover(docker, stack, interrupted);
  } else await assertOwn(docker, stack);
  return docker;
}

async function takeAway(docker: Engine, stack: string, deleteData: boolean): Promise<void> {
  if (hasState(stack)) await destroy(stack, deleteData);
  if (deleteData) await deleteRest(docker, stack);
  if (deleteData) await rm(localDirectory(stack), { recursive: true, force: true });
}

async function destroy(stack: string, deleteData: boolean): Promise<void> {
  backUpState(stack);
  if (deleteData) await change(stack, ["state", "unprotect", "--all", "--yes"]);
  await step("pulumi destroy", async (note) => {
    const keep = deleteData ? [] : ["--exclude-protected"];
    const operation = ["destroy", "--yes", "--skip-preview", ...keep];
    const tell = (line: string) => {
      note(line);
      say(`    ${line}`);
    };
    const report = new RunReport({ erasesRest: deleteData });
    const result = await claiming(stack, () => runPulumi(stack, operation, tell, { report }));
    if (result.code !== 0) throw explainFailure(stack, "destroy", result);
  });
  if (deleteData) await change(stack, ["stack", "rm", "--yes", "--force", "--preserve-config"]);
}

async function change(stack: string, args: readonly string[]): Promise<void> {
  const { code, tail } = await pulumi(stack, args);
  if (code === 0) return;
  throw new CliError(
    knownCause(stack, tail) ?? { what: `pulumi ${args.slice(0, 2).join(" ")} failed`, why: tail },
  );
}

/** Volumes are kept by Pulumi on purpose, and a lost state knows nothing of what runs. */
async function deleteRest(docker: Engine, stack: string): Promise<void> {
  const filters = ofStack(stack);
  await step("Data: volumes, and what else is left", async () => {
    for (const { Id } of await docker.listContainers({ all: true, filters })) {
      await docker.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Id } of await docker.listNetworks({ filters }))
      await docker.getNetwork(Id).remove();
    const { Volumes: volumes } = await docker.listVolumes({ filters });
    for (const { Name } of volumes ?? []) await docker.getVolume(Name).remove();
    return `${volumes?.length ?? 0} volumes deleted`;
  });
}
