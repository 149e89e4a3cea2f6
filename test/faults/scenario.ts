import { expect } from "vitest";
import type { Admin } from "../support/admin.ts";
import { addressOf, runningOf } from "../support/containers.ts";
import { endpoint, tab } from "../support/flows.ts";
import { Load, type LoadReport } from "../support/load.ts";
import type { Platform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { pause, until } from "../support/wait.ts";
import { MongoWriter, ValkeyWriter, type WriterReport } from "./clients.ts";
import { type Action, findVictim, healed, inflict, type Victim } from "./fault.ts";

/** Newest revision on all replicas after the store is back, in milliseconds. */
const CONVERGENCE = 5000;

/** What all clients saw. */
interface Seen {
  readonly api: LoadReport;
  readonly tenant: LoadReport;
  readonly mongodb: WriterReport;
  readonly valkey: WriterReport;
}

/** The flow that a scenario reads and changes. */
const flow = (mark: string) => [tab("faults"), ...endpoint("faults", "faults", "/faults", mark)];

const saved = async (admin: Admin, mark: string) => {
  await admin.deployTabs(flow(mark));
  return true;
};

/**
 * Brings the endpoints that the clients read into being.
 * @returns the session that saves go through: it outlives restarts, and logins are limited.
 */
export async function prepareScenario(platform: Platform): Promise<Admin> {
  const admin = await platform.login("main");
  await admin.deployTabs(flow("first"));
  await (await platform.login("acme")).deployTabs(flow("tenant"));
  await until("both serve", async () => {
    const answers = await Promise.all([api(platform), tenant(platform)]);
    return answers.every((answer) => answer.status === 200);
  });
  return admin;
}

const api = (platform: Platform) => platform.client.ask("main", "/red-nodes/faults");
const tenant = (platform: Platform) => platform.client.ask("acme", "/faults");

/** One fault from its start to the last healed container, with all clients at work. */
export async function runScenario(
  platform: Platform,
  admin: Admin,
  action: Action,
  victim: Victim,
): Promise<void> {
  const { name: stack } = platform.stack;
  const target = await findVictim(stack, victim);
  const clients = {
    api: new Load({ ask: () => api(platform), perSecond: 20 }),
    tenant: new Load({ ask: () => tenant(platform), perSecond: 10 }),
    mongodb: await MongoWriter.start(`${stack}-tenant-acme`),
    valkey: await ValkeyWriter.start(stack),
  };
  await pause(1000);
  await inflict(action, target, () => pause(2000));
  await converges(platform, admin, `${action}-${victim}-${Date.now()}`);
  await healed(stack);
  const seen: Seen = {
    api: await clients.api.stop(),
    tenant: await clients.tenant.stop(),
    mongodb: await clients.mongodb.stop(),
    valkey: await clients.valkey.stop(),
  };
  tell(`${action} ${victim}`, seen);
  judge(seen, action, victim);
}

/** Saves a new revision as soon as that is possible again; all replicas must follow in time. */
async function converges(platform: Platform, admin: Admin, mark: string): Promise<void> {
  await until("a save is accepted", () => saved(admin, mark), { seconds: 90, every: 500 });
  const since = Date.now();
  const replicas = await runningOf(platform.stack.name, "replica");
  await Promise.all(
    replicas.map((replica) =>
      until(
        `${replica.Name} serves the newest revision`,
        async () => {
          const url = `http://${addressOf(replica, "-edge")}:1880/red-nodes/faults`;
          const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
          return (await answer.text()).includes(mark);
        },
        { seconds: CONVERGENCE / 1000, every: 20 },
      ),
    ),
  );
  report("newest revision on all replicas after a fault", Date.now() - since, "ms");
}

function tell(fault: string, seen: Seen): void {
  report(`${fault}: MongoDB write gap`, seen.mongodb.gap, "ms");
  report(`${fault}: Valkey write gap`, seen.valkey.gap, "ms");
  report(`${fault}: API requests lost of ${seen.api.sent}`, seen.api.lost.length, "");
  report(`${fault}: tenant requests lost of ${seen.tenant.sent}`, seen.tenant.lost.length, "");
}

/** What a fault of each kind may cost: never an acknowledged write, and requests only if named. */
function judge(seen: Seen, action: Action, victim: Victim): void {
  expect(seen.mongodb.lost, "acknowledged MongoDB writes").toEqual([]);
  expect(seen.valkey.lost, "acknowledged Valkey writes").toEqual([]);
  expect(seen.mongodb.acknowledged).toBeGreaterThan(100);
  expect(seen.valkey.acknowledged).toBeGreaterThan(100);
  expect(seen.mongodb.gap, "MongoDB write gap").toBeLessThan(15_000);
  expect(seen.valkey.gap, "Valkey write gap").toBeLessThan(15_000);
  if (victim === "edge") return;
  expect(seen.tenant.lost, "tenant requests").toEqual([]);
  // A paused replica holds what it was just given until the edge's check ejects it.
  const allowed = victim === "replica" && action === "pause" ? 20 * 3 : 0;
  expect(seen.api.lost.slice(allowed), "API requests").toEqual([]);
}
