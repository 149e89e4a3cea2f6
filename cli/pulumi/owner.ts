/** Whose a stack on the engine is: a clone works on what it has made itself, and on nothing else. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { connectedEngine, type Engine } from "../engine/client.ts";
import { LABEL, ofStack } from "../engine/labels.ts";
import { CliError, type Explanation } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { isWhole, newestBackup } from "./checkpoint.ts";
import { claimedUntil } from "./claim.ts";
import { checkpointFile } from "./places.ts";
import { EMPTY, hasState, idsOf, readState, type State } from "./state.ts";

/** What the engine holds of a stack, by the ids that Pulumi's state has too. */
export interface Inventory {
  containers: {
    id: string;
    name: string;
    /** When it was made, by this machine's clock, in ms since 1970. */
    created: number;
    /** True for a job that ended with an error. */
    isFailedJob?: boolean;
  }[];
  networks: { id: string; name: string }[];
}

/** What this clone knows of a stack. */
export interface Proof {
  readonly state: State;
  /**
   * When an operation of this clone was last at work that was cut off and has left no state that knows what it made,
   * by this machine's clock, in ms since 1970; undefined when there was none.
   */
  readonly cutOff?: number;
  /** Newest copy of a state that is gone. */
  readonly backup?: string;
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
 * Refuses a platform that is not this clone's: its state has none of the containers and networks on the engine, and
 * none of its operations was cut off when they were made.
 * @throws CliError
 */
export async function assertOwn(docker: Engine, stack: string): Promise<void> {
  refuseStrangers(stack, await inventory(docker, stack));
}

/** @throws CliError as {@link assertOwn} */
export function refuseStrangers(stack: string, found: Inventory): void {
  const problem = judgeStrangers(stack, readProof(stack), found);
  if (problem) throw new CliError(problem);
}

/** Why a stack on the engine is not this clone's; undefined when it is, or when nothing of it runs. */
export async function strangersOf(docker: Engine, stack: string): Promise<Explanation | undefined> {
  return judgeStrangers(stack, readProof(stack), await inventory(docker, stack));
}

/**
 * For how long after it was last heard of an operation that was cut off may have made things, in milliseconds: until
 * its next word, and for as long as a busy engine takes to do what it was asked for by then.
 */
export const CLAIM_GRACE = 60_000;

/** Reads what this clone has of a stack. */
export function readProof(stack: string): Proof {
  const broken = isBroken(stack);
  const state = broken ? EMPTY : readState(stack);
  // Pulumi writes what is under way into the state beforehand: a state that is cut off has been at it.
  const written = broken
    ? statSync(checkpointFile(stack)).mtimeMs
    : state.pending.length > 0
      ? state.written
      : undefined;
  const times = [claimedUntil(stack), written].filter((time) => time !== undefined);
  const backup = hasState(stack) ? undefined : newestBackup(stack);
  return {
    state,
    ...(times.length > 0 && { cutOff: Math.max(...times) }),
    ...(backup !== undefined && { backup }),
  };
}

const isBroken = (stack: string) => hasState(stack) && !isWhole(checkpointFile(stack));

/**
 * Another id is another container, whatever its name: somebody else may have made it after this clone's own was gone.
 * One id that is known speaks for the rest: beside it no other clone brings anything up.
 */
export function judgeStrangers(
  stack: string,
  { state, cutOff, backup }: Proof,
  { containers, networks }: Inventory,
): Explanation | undefined {
  const known = idsOf(state, ["Container", "Network"]);
  if ([...containers, ...networks].some(({ id }) => known.has(id))) return undefined;
  const isOwn = (created: number) => cutOff !== undefined && created <= cutOff + CLAIM_GRACE;
  const stranger = containers.find(({ created }) => !isOwn(created));
  if (stranger === undefined) return undefined;
  const what = `this engine already runs a stack "${stack}" that this clone knows nothing of`;
  const example = `for instance the container ${stranger.name}`;
  if (backup !== undefined) return lostState(stack, what, example, backup);
  const ways = [
    `work with it in that clone (${redfleet("down", stack)} there takes it down)`,
    `or have a stack of your own: cp Pulumi.${stack}.yaml Pulumi.<name>.yaml, set another domain and other edge ports in it, npx redfleet up --stack <name>`,
    "docs/runbooks.md#run-a-second-stack says more, also for a clone that is gone",
  ];
  return { what, why: `${example}: ${whoMade(cutOff, known.size)}`, fix: ways.join("; ") };
}

function whoMade(cutOff: number | undefined, known: number): string {
  if (cutOff !== undefined)
    return `this clone's last operation was cut off at ${new Date(cutOff).toISOString()}, before it was made; has another clone taken the stack over?`;
  return known === 0
    ? "another clone has made it, perhaps a colleague's"
    : "the containers in this clone's state are others; is DOCKER_HOST another engine now, or has another clone taken the stack over?";
}

/** Only `down --delete-data` takes the copies of a state away: with them the stack was this clone's. */
function lostState(stack: string, what: string, example: string, backup: string): Explanation {
  return {
    what,
    why: `${example}; this clone had the stack, and its state ${checkpointFile(stack)} is gone`,
    fix: `put the newest copy back: cp ${backup} ${checkpointFile(stack)}, then ${redfleet("up", stack)}`,
  };
}

/**
 * Why the data of a stack on the engine cannot be started on: nothing is in this clone's state, so its passwords and
 * keys are elsewhere, and new ones would not open it. Undefined when it can, or when there is none.
 */
export async function foreignDataOf(
  docker: Engine,
  stack: string,
): Promise<Explanation | undefined> {
  if (isBroken(stack) || readState(stack).resources.length > 0) return undefined;
  const { Volumes: volumes } = await docker.listVolumes({ filters: ofStack(stack) });
  const [volume] = volumes ?? [];
  if (volume === undefined) return undefined;
  const what = `this engine holds data of a stack "${stack}" whose passwords and keys this clone does not have`;
  const example = `for instance the volume ${volume.Name}`;
  const backup = hasState(stack) ? undefined : newestBackup(stack);
  if (backup !== undefined) return lostState(stack, what, example, backup);
  const ways = [
    `run ${redfleet("up", stack)} there`,
    "or choose another name: npx redfleet up --stack <name>",
    `or, only if that clone is gone for ever, erase the data: ${redfleet("down --delete-data --yes", stack)}`,
  ];
  const where = `they are in ${join(".redfleet", stack)} and its state, in the clone that made it`;
  return { what, why: `${example}; ${where}`, fix: ways.join("; ") };
}

/** @throws CliError as {@link foreignDataOf}, before anything is started on it */
export async function refuseForeignData(docker: Engine, stack: string): Promise<void> {
  const problem = await foreignDataOf(docker, stack);
  if (problem) throw new CliError(problem);
}

/** How far the clock of the engine, perhaps in a virtual machine, is ahead of this one's, in milliseconds. */
async function clockLead(docker: Engine): Promise<number> {
  const { SystemTime: there } = (await docker.info()) as { SystemTime: string };
  return Date.parse(there) - Date.now();
}

/** Containers and networks of a stack, whoever has made them. */
export async function inventory(docker: Engine, stack: string): Promise<Inventory> {
  const filters = ofStack(stack);
  const [containers, networks, lead] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    clockLead(docker),
  ]);
  return {
    containers: containers.map(({ Id, Names, Created, Labels, State, Status }) => ({
      id: Id,
      name: Names[0]?.slice(1) ?? Id,
      created: Created * 1000 - lead,
      isFailedJob:
        Labels[LABEL.component] === "job" && State === "exited" && !Status.startsWith("Exited (0)"),
    })),
    networks: networks.map(({ Id, Name }) => ({ id: Id, name: Name })),
  };
}
