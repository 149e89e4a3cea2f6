import { setTimeout as sleep } from "node:timers/promises";
import { type Engine, isGone } from "../engine/client.ts";
import { isAlive } from "../setup/process.ts";
import { step } from "../setup/progress.ts";
import { claim, settle } from "./claim.ts";
import { explainFailure } from "./failure.ts";
import { clearLocks } from "./locks.ts";
import { type Inventory, inventory, refuseStrangers } from "./owner.ts";
import { isCommandLine, isPlugin, orphansOf, type RunProcess, runProcesses } from "./processes.ts";
import { runPulumi } from "./run.ts";
import { idsOf, readState, type State } from "./state.ts";

/** Time for an orphaned Pulumi to end its operations and save its state, in milliseconds. */
const ORPHAN_GRACE = 120_000;

/** What engine and state do not agree on. */
export interface Differences {
  /** On the engine, not in the state: an `up` that was cut off has made them. */
  unknown: Inventory;
  /** True if the state has containers or networks that are gone. */
  missing: boolean;
}

/** Compares by id: a second object of the same name is another one. */
export function compare(found: Inventory, state: State): Differences {
  const containers = idsOf(state, ["Container"]);
  const networks = idsOf(state, ["Network"]);
  const present = new Set([...found.containers, ...found.networks].map(({ id }) => id));
  return {
    unknown: {
      containers: found.containers.filter(({ id }) => !containers.has(id)),
      networks: found.networks.filter(({ id }) => !networks.has(id)),
    },
    missing: [...containers, ...networks].some((id) => !present.has(id)),
  };
}

/**
 * Brings state and engine together again after an operation that was cut off, so that the next one
 * starts from what is true: ends what it left running, drops its lock, asks the engine what became
 * of what was under way, and removes what the state does not know. Volumes are never removed.
 * @param interrupted true if the last operation of ours did not end well
 */
export async function recover(docker: Engine, stack: string, interrupted: boolean): Promise<void> {
  const ended = await endOrphans();
  const locks = await clearLocks(stack);
  const found = await inventory(docker, stack);
  refuseStrangers(stack, found);
  // Before the refresh: it drops the pending operations, and with them the other proof of whose objects these are.
  await claim(stack);
  const present = await dropFailedJobs(docker, found);
  const state = readState(stack);
  const cutOff = interrupted || ended > 0 || locks > 0 || state.pending.length > 0;
  if (cutOff || compare(present, state).missing) await refresh(stack, state);
  await removeUnknown(docker, compare(present, readState(stack)));
  await settle(stack);
}

async function removeUnknown(docker: Engine, { unknown }: Differences): Promise<void> {
  const count = unknown.containers.length + unknown.networks.length;
  if (count === 0) return;
  await step(`Recovery: objects that the state does not know`, async (note) => {
    for (const { id, name } of unknown.containers) {
      note(name);
      await ignoreGone(docker.getContainer(id).remove({ force: true }));
    }
    for (const { id, name } of unknown.networks) {
      note(name);
      await removeNetwork(docker, id);
    }
    return `${count} removed, volumes kept`;
  });
}

/**
 * A job that failed stays in the state and would fail every `up`; without its container it runs again.
 * @returns what is left
 */
async function dropFailedJobs(docker: Engine, found: Inventory): Promise<Inventory> {
  const failed = found.containers.filter(({ isFailedJob }) => isFailedJob);
  if (failed.length === 0) return found;
  await step("Recovery: jobs that failed", async () => {
    for (const { id } of failed) await ignoreGone(docker.getContainer(id).remove({ force: true }));
    return `${failed.length} will run again`;
  });
  return { ...found, containers: found.containers.filter((one) => !failed.includes(one)) };
}

/** Ends what a killed run left behind: Pulumi is asked to save its state, plugins may finish first. */
async function endOrphans(): Promise<number> {
  const orphans = orphansOf(runProcesses());
  if (orphans.length === 0) return 0;
  await step("Recovery: processes of a run that was killed", async () => {
    const commands = orphans.filter(isCommandLine);
    signal(commands, "SIGINT");
    await gone(commands, ORPHAN_GRACE);
    signal(commands, "SIGKILL");
    const plugins = orphans.filter(isPlugin);
    // A plugin goes on with what it is at, for instance a container that must become healthy.
    await gone(plugins, ORPHAN_GRACE / 2);
    signal(orphans, "SIGKILL");
    await gone(orphans, 5000);
    return `${orphans.length} ended`;
  });
  return orphans.length;
}

function signal(processes: readonly RunProcess[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // it has ended in the meantime
    }
  }
}

async function gone(processes: readonly RunProcess[], limit: number): Promise<void> {
  for (const end = Date.now() + limit; Date.now() < end; ) {
    if (!processes.some(({ pid }) => isAlive(pid))) return;
    await sleep(100);
  }
}

async function refresh(stack: string, state: State): Promise<void> {
  if (state.resources.length === 0 && state.pending.length === 0) return;
  await step("Recovery: asks the engine what became of it all", async (note) => {
    const operation = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates"];
    const result = await runPulumi(stack, operation, note);
    if (result.code !== 0) throw explainFailure(stack, "refresh", result);
  });
}

async function removeNetwork(docker: Engine, id: string): Promise<void> {
  const network = docker.getNetwork(id);
  try {
    const { Containers: members } = (await network.inspect()) as { Containers?: object };
    for (const Container of Object.keys(members ?? {})) {
      await ignoreGone(network.disconnect({ Container, Force: true }));
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  await ignoreGone(network.remove());
}

async function ignoreGone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    // 409: the engine is removing it already
    if (!isGone(error) && (error as { statusCode?: number }).statusCode !== 409) throw error;
  });
}
