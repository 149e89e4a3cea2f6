import { Redis } from "ioredis";
import { containersOf, type Inspected, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { mongoOf } from "../support/mongo.ts";
import { sentinelAddresses, valkeyUsers } from "../support/valkey.ts";
import { pause, until } from "../support/wait.ts";

/** What happens to a container. */
export type Action = "kill" | "stop" | "pause";

/** What is hit. */
export type Victim =
  | "mongodb primary"
  | "valkey primary"
  | "sentinel"
  | "replica"
  | "edge"
  | "agent"
  | "editor";

export const ACTIONS: readonly Action[] = ["kill", "stop", "pause"];
export const VICTIMS: readonly Victim[] = [
  "mongodb primary",
  "valkey primary",
  "sentinel",
  "replica",
  "edge",
  "agent",
  "editor",
];

/** How long a stopped or paused container stays so, in milliseconds. */
const OUTAGE = 12_000;

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
    const address = (await client.call(
      "SENTINEL",
      "get-master-addr-by-name",
      "redfleet",
    )) as string[];
    const members = await containersOf(stack, "valkey");
    const found = members.find((entry) =>
      Object.values(entry.NetworkSettings.Networks).some((net) => net.IPAddress === address[0]),
    );
    if (found === undefined) throw new Error(`no member has the primary's address ${address}`);
    return found;
  } finally {
    client.disconnect();
  }
}

/**
 * Does it, proves that it happened, calls `during` in the middle of it and ends it.
 * A killed container is never started by us: its restart policy has to.
 */
export async function inflict(
  action: Action,
  victim: Inspected,
  during: () => Promise<void>,
): Promise<void> {
  const container = engine.getContainer(victim.Id);
  const state = async () => (await container.inspect()).State;
  if (action === "kill") {
    process.kill(victim.State.Pid, "SIGKILL");
    await during();
    await until(`${victim.Name} was restarted`, async () => {
      const { Running: runs, StartedAt: started } = await state();
      return runs && started !== victim.State.StartedAt;
    });
    return;
  }
  await (action === "stop" ? container.stop() : container.pause());
  const happened = await state();
  if (action === "stop" ? happened.Running : !happened.Paused) throw new Error("no fault happened");
  const outage = pause(OUTAGE);
  await during();
  await outage;
  await (action === "stop" ? container.start() : container.unpause());
}

/** Waits until every container of the stack runs and its health check agrees. */
export async function healed(stack: string): Promise<void> {
  await until(
    "every container is healthy",
    async () => {
      const containers = await runningOf(stack);
      const bad = containers.filter(
        ({ State: state }) => state.Paused || (state.Health && state.Health.Status !== "healthy"),
      );
      if (bad.length > 0) throw new Error(bad.map((entry) => entry.Name).join(" "));
      return true;
    },
    { seconds: 120, every: 1000 },
  );
}
