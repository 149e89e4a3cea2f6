import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { startTime } from "../../cli/setup/process.ts";
import { containersOf, freeze, type Inspected, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { mongoOf } from "../support/mongo.ts";
import { sentinelAddresses, valkeyUsers } from "../support/valkey.ts";
import { pause, until } from "../support/wait.ts";

/** What happens to a container. */
export const ACTIONS = ["kill", "stop", "pause"] as const;
export type Action = (typeof ACTIONS)[number];

/** What is hit. */
export const VICTIMS = [
  "mongodb primary",
  "valkey primary",
  "sentinel",
  "replica",
  "edge",
  "agent",
  "editor",
] as const;
export type Victim = (typeof VICTIMS)[number];

/** A fault that has happened and is over; times in milliseconds of `performance.now()`. */
export interface Fault {
  /** Nothing had happened yet. */
  readonly begin: number;
  /** It had happened, for sure. */
  readonly proven: number;
  /** The container runs again. */
  readonly end: number;
}

/** Shortest time that a fault lasts, in milliseconds. */
const SHORTEST = 6000;

/** The container that a victim is right now. */
export async function findVictim(stack: string, victim: Victim): Promise<Inspected> {
  if (victim === "mongodb primary") return mongodbPrimary(stack);
  if (victim === "valkey primary") return valkeyPrimary(stack);
  const [found] = await runningOf(stack, victim);
  if (found === undefined) throw new Error(`no ${victim} runs`);
  return found;
}

async function mongodbPrimary(stack: string): Promise<Inspected> {
  const client = await mongoOf(`${stack}-tenant-acme`);
  try {
    const { primary } = await client.db("admin").command({ hello: 1 });
    const name = String(primary).split(":")[0];
    return await engine.getContainer(name ?? "").inspect();
  } finally {
    await client.close();
  }
}

async function valkeyPrimary(stack: string): Promise<Inspected> {
  const [sentinel] = await sentinelAddresses(stack);
  const { sentinel: password } = await valkeyUsers(stack);
  const client = new Redis({ host: sentinel, port: 26379, username: "sentinel", password });
  try {
    const question = ["get-master-addr-by-name", "redfleet"];
    const [address] = (await client.call("SENTINEL", ...question)) as string[];
    const members = await containersOf(stack, "valkey");
    const found = members.find((entry) =>
      Object.values(entry.NetworkSettings.Networks).some((net) => net.IPAddress === address),
    );
    if (found === undefined) throw new Error(`no member has the primary's address ${address}`);
    return found;
  } finally {
    client.disconnect();
  }
}

const stateOf = async (container: Inspected) =>
  (await engine.getContainer(container.Id).inspect()).State;

/**
 * Does it, proves that it happened and lasted, calls `during` in the middle of it and ends it.
 * @param during gets the moment from which on the fault is proven.
 */
export function inflict(
  action: Action,
  victim: Inspected,
  during: (proven: number) => Promise<void>,
): Promise<Fault> {
  return action === "kill" ? kill(victim, during) : takeAway(action, victim, during);
}

/** Ends the container's first process. It is never started by us: its restart policy has to. */
async function kill(victim: Inspected, during: (proven: number) => Promise<void>): Promise<Fault> {
  const { Pid: pid } = victim.State;
  const process1 = startTime(pid);
  const begin = performance.now();
  process.kill(pid, "SIGKILL");
  await until(`process ${pid} has ended`, () => !runs(pid, process1), { every: 5 });
  const proven = performance.now();
  await during(proven);
  await until(`${victim.Name} was restarted`, async () => {
    const { Running: running, Pid: now, StartedAt: started } = await stateOf(victim);
    return running && now !== pid && started !== victim.State.StartedAt;
  });
  return { begin, proven, end: performance.now() };
}

const runs = (pid: number, started: string | undefined) =>
  existsSync(`/proc/${pid}`) && startTime(pid) === started;

async function takeAway(
  action: "stop" | "pause",
  victim: Inspected,
  during: (proven: number) => Promise<void>,
): Promise<Fault> {
  const container = engine.getContainer(victim.Id);
  const begin = performance.now();
  if (action === "stop") await container.stop();
  else await freeze(container);
  await expectAway(action, victim);
  const proven = performance.now();
  try {
    await Promise.all([during(proven), pause(SHORTEST)]);
    await expectAway(action, victim);
  } finally {
    await (action === "stop" ? container.start() : container.unpause());
  }
  return { begin, proven, end: performance.now() };
}

async function expectAway(action: "stop" | "pause", victim: Inspected): Promise<void> {
  const { Running: running, Paused: paused, Pid: pid } = await stateOf(victim);
  const away = action === "pause" ? paused : !running && pid === 0;
  if (!away) throw new Error(`${victim.Name}: no ${action} happened, or it did not last`);
}

/** Waits until that many containers of the stack run and their health checks agree. */
export async function healed(stack: string, count: number): Promise<void> {
  await until(
    "every container is healthy",
    async () => {
      const containers = await runningOf(stack);
      const bad = containers.filter(
        ({ State: state }) => state.Paused || (state.Health && state.Health.Status !== "healthy"),
      );
      if (bad.length > 0) throw new Error(bad.map((entry) => entry.Name).join(" "));
      return containers.length === count;
    },
    { seconds: 120, every: 1000 },
  );
}
