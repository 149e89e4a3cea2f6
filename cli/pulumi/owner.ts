import { existsSync } from "node:fs";
import { connectedEngine, type Engine } from "../engine/client.ts";
import { LABEL, ofStack } from "../engine/labels.ts";
import { CliError, type Explanation } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { isWhole } from "./checkpoint.ts";
import { checkpointFile, claimFile } from "./places.ts";
import { hasState, readState, type State, type StateResource } from "./state.ts";

/** What the engine holds of a stack, by the ids that Pulumi's state has too. */
export interface Inventory {
  containers: { id: string; name: string; isFailedJob?: boolean }[];
  networks: { id: string; name: string }[];
}

/**
 * The engine, for whatever looks into a stack's containers or changes them.
 * @throws CliError when they are not this clone's, as {@link assertOwn}
 */
export async function ownEngine(stack: string): Promise<Engine> {
  const docker = await connectedEngine();
  await assertOwn(docker, stack);
  return docker;
}

/**
 * Refuses a platform that is not this clone's. What an operation of this clone made before it was cut off is its own:
 * a claim is left while one is under way, and only after this check.
 * @throws CliError when there are containers that no operation of this clone can have made
 */
export async function assertOwn(docker: Engine, stack: string): Promise<void> {
  refuseStrangers(stack, await inventory(docker, stack));
}

/** @throws CliError as {@link assertOwn} */
export function refuseStrangers(stack: string, found: Inventory): void {
  const problem = strangersIn(stack, found);
  if (problem) throw new CliError(problem);
}

/** Whose a stack on the engine is, when it is not this clone's; undefined when it is, or when there is none. */
export async function strangersOf(docker: Engine, stack: string): Promise<Explanation | undefined> {
  return strangersIn(stack, await inventory(docker, stack));
}

function strangersIn(stack: string, found: Inventory): Explanation | undefined {
  if (isClaimed(stack)) return undefined;
  const state = readState(stack);
  return state.pending.length > 0 ? undefined : judgeStrangers(stack, state, found);
}

/** True while this clone is at work on the stack, or was when it was cut off; its state may be cut off with it. */
const isClaimed = (stack: string): boolean =>
  existsSync(claimFile(stack)) || (hasState(stack) && !isWhole(checkpointFile(stack)));

/**
 * Data on the engine without anything in the state: its passwords and keys are elsewhere, and new ones would not open it.
 * @throws CliError before anything is started on it
 */
export async function refuseForeignData(docker: Engine, stack: string): Promise<void> {
  if (isClaimed(stack) || readState(stack).resources.length > 0) return;
  const { Volumes: volumes } = await docker.listVolumes({ filters: ofStack(stack) });
  if (!volumes?.length) return;
  throw new CliError({
    what: `this engine holds data of a stack "${stack}" whose passwords and keys this clone does not have`,
    why: `for instance the volume ${volumes[0]?.Name}; they are in .redfleet of the clone that made it`,
    fix: `run redfleet up there; or choose another name: redfleet up --stack <name>; or, only if that clone is gone for ever, erase the data: redfleet down --stack ${stack} --delete-data --yes`,
  });
}

const isRunning = ({ type }: StateResource): boolean => /:(Container|Network)$/.test(type);

/**
 * Containers on the engine without any container or network in the state are most likely another
 * clone's platform. Volumes and passwords in the state say nothing: they stay after a `down`.
 */
export function judgeStrangers(
  stack: string,
  state: State,
  { containers }: Inventory,
): Explanation | undefined {
  if (state.resources.some(isRunning) || containers.length === 0) return undefined;
  const ways = [
    `work with it in that clone (npx ${redfleet("down", stack)} there takes it down)`,
    `or have a stack of your own: cp Pulumi.${stack}.yaml Pulumi.<name>.yaml, set another domain and other edge ports in it, npx redfleet up --stack <name>`,
    "docs/runbooks.md#run-a-second-stack says more, also for a clone that is gone",
  ];
  return {
    what: `this engine already runs a stack "${stack}" that this clone knows nothing of`,
    why: `for instance the container ${containers[0]?.name}: another clone has made it, perhaps a colleague's`,
    fix: ways.join("; "),
  };
}

/** Containers and networks of a stack, whoever has made them. */
export async function inventory(docker: Engine, stack: string): Promise<Inventory> {
  const filters = ofStack(stack);
  const [containers, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
  ]);
  return {
    containers: containers.map(({ Id, Names, Labels, State, Status }) => ({
      id: Id,
      name: Names[0]?.slice(1) ?? Id,
      isFailedJob:
        Labels[LABEL.component] === "job" && State === "exited" && !Status.startsWith("Exited (0)"),
    })),
    networks: networks.map(({ Id, Name }) => ({ id: Id, name: Name })),
  };
}
