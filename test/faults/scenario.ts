import { expect } from "vitest";
import type { Admin } from "../support/admin.ts";
import { runningOf } from "../support/containers.ts";
import { mongoMembersOf } from "../support/mongo.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report, waits } from "../support/report.ts";
import { E2E } from "../support/stack.ts";
import { probeMongodb, returns, type StoreProbe } from "../support/store-probe.ts";
import { until } from "../support/wait.ts";
import { type Client, mongodbWriter, reader, valkeyWriter } from "./clients.ts";
import { Follower, markedFlow, Saver } from "./cluster-clients.ts";
import { type Action, type Fault, findVictim, healed, inflict, type Victim } from "./fault.ts";
import { CONVERGENCE, convergence, type Seen, suffering, verdict } from "./judge.ts";

/** A platform with the endpoints that clients read, and a session that saves go through. */
export interface Scene {
  readonly platform: Platform;
  /** It outlives restarts, and logins are limited. */
  readonly admin: Admin;
}

const api = ({ client }: Platform) => client.ask("main", "/red-nodes/faults");
const tenant = ({ client }: Platform) => client.ask("acme", "/faults");

/** Brings up the platform if it does not run, and the endpoints into being. */
export async function prepareScene(): Promise<Scene> {
  const platform = await runningPlatform(E2E);
  const admin = await platform.login("main");
  await admin.deployTabs(markedFlow(0));
  await (await platform.login("acme")).deployTabs(markedFlow(0));
  await until("both serve", async () => {
    const answers = await Promise.all([api(platform), tenant(platform)]);
    return answers.every((answer) => answer.status === 200);
  });
  return { platform, admin };
}

/** All clients of a scenario, at work until they are stopped. */
export class Crew {
  readonly clients: readonly Client[];
  private readonly saver: Saver;
  private readonly followers: readonly Follower[];
  private readonly probe: StoreProbe;

  private constructor(others: Client[], saver: Saver, followers: Follower[], probe: StoreProbe) {
    this.clients = [...others, saver, ...followers];
    this.saver = saver;
    this.followers = followers;
    this.probe = probe;
  }

  static async start({ platform, admin }: Scene): Promise<Crew> {
    const { name: stack } = platform.stack;
    const store = `${stack}-tenant-acme`;
    const replicas = await runningOf(stack, "replica");
    const probe = probeMongodb(await mongoMembersOf(store), "tenant-acme");
    const others = [
      await mongodbWriter(store),
      await valkeyWriter(stack),
      reader("api", { ask: () => api(platform), perSecond: 20 }),
      reader("tenant", { ask: () => tenant(platform), perSecond: 10 }),
    ];
    const followers = replicas.map((replica) => new Follower(replica));
    const crew = new Crew(others, new Saver(admin), followers, probe);
    await crew.served(performance.now());
    return crew;
  }

  /** Waits until every client but the excused was served a few times since a moment. */
  async served(since: number, excused: readonly string[] = [], seconds = 60): Promise<void> {
    const waiting = this.clients.filter(({ name }) => !excused.includes(name));
    await until(
      "every client is served",
      () => {
        const unserved = waiting.filter(({ times }) => !((times.at(-3) ?? 0) > since));
        if (unserved.length > 0) throw new Error(unserved.map(({ name }) => name).join(" "));
        return true;
      },
      { seconds, every: 50 },
    );
  }

  /** Waits until a save that is begun now is served by all replicas. */
  async converged(): Promise<void> {
    const since = performance.now();
    await until(
      "all replicas serve the newest save",
      () => {
        const next = this.saver.saves.find(({ at }) => at > since);
        return this.followers.every(
          ({ served }) => (served.at(-1)?.mark ?? 0) >= (next?.mark ?? Number.NaN),
        );
      },
      { seconds: 60, every: 50 },
    );
  }

  /** Ends all clients, whether or not the fault went as planned. */
  async stop(): Promise<Omit<Seen, "fault" | "judged">> {
    const stopping = this.clients.map(async (client) => {
      const losses = await client.stop();
      return { name: client.name, times: client.times, losses };
    });
    const clients = await Promise.all(stopping);
    await this.probe.stop();
    const served = Object.fromEntries(this.followers.map(({ name, served: s }) => [name, s]));
    return { clients, store: this.probe.times, saves: this.saver.saves, served };
  }
}

/** One fault from its start to the last healed container, with all clients at work. */
export async function runScenario(scene: Scene, action: Action, victim: Victim): Promise<void> {
  const { name: stack } = scene.platform.stack;
  const before = (await runningOf(stack)).length;
  const target = await findVictim(stack, victim);
  const container = target.Name.slice(1);
  const excused = suffering(action, victim, container);
  const crew = await Crew.start(scene);
  let fault: Fault;
  let judged: number;
  let seen: Awaited<ReturnType<Crew["stop"]>>;
  try {
    fault = await inflict(action, target, async (proven) => {
      await crew.served(proven, excused);
      if (action !== "kill") await expectSuccessor(stack, victim, target.Id);
    });
    await crew.served(fault.end);
    await healed(stack, before);
    judged = performance.now();
    await crew.converged();
  } finally {
    seen = await crew.stop();
  }
  const all: Seen = { fault, judged, ...seen };
  tell(`${action} ${victim}`, all);
  expect(verdict(all, action, victim, container)).toEqual([]);
  const slowest = convergence(all, action, victim, container).map(({ ms }) => ms);
  const what = `${action} ${victim}: newest revision on all replicas`;
  report(what, Math.max(...slowest), "ms", waits(CONVERGENCE));
}

/** While a primary is away, another member has its office. */
async function expectSuccessor(stack: string, victim: Victim, id: string): Promise<void> {
  if (!victim.endsWith("primary")) return;
  expect((await findVictim(stack, victim)).Id, `${victim} while the old one is away`).not.toBe(id);
}

function tell(fault: string, seen: Seen): void {
  for (const { name, times, losses } of seen.clients) {
    if (name === "mongodb" || name === "valkey") {
      report(`${fault}: longest time without a write to ${name}`, longestGap(times), "ms");
    } else if (losses.length > 0) report(`${fault}: lost by ${name}`, losses.length, "requests");
  }
  const away = returns(seen.store, seen.fault.begin);
  report(`${fault}: times that the document store was away`, away.length, "");
}

function longestGap(times: readonly number[]): number {
  return Math.max(...times.map((time, index) => time - (times[index - 1] ?? time)));
}
