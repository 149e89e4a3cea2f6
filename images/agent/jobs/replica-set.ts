import { isDeepStrictEqual } from "node:util";
import type { Document, MongoClient } from "mongodb";
import { log } from "./log.ts";
import { command, isTransient, waitFor } from "./mongo.ts";
import type { StoreSettings } from "./settings.ts";

/**
 * How fast a set reacts, on a network that is one machine or one data centre. A hung primary is the slow case: each
 * default of 10 s or "for ever" adds to the time until a write reaches a majority again (measured: 12 s and more).
 */
export const WANTED_SETTINGS = {
  /** Silence of the primary until the others elect another one. */
  electionTimeoutMillis: 4000,
  /** Silence until a member counts as down. */
  heartbeatTimeoutSecs: 4,
  /**
   * Pause between two heartbeats, which also say how far a member is. A member that was telling a primary that hangs
   * goes on waiting for its answer for 30 s, which cannot be set; heartbeats alone then tell the new primary what a
   * majority has (measured with the default of 2 s: 2 s for each write, 4 s for each save of flows).
   */
  heartbeatIntervalMillis: 500,
  /** Wait of a new primary for writes that no majority has: none was acknowledged. */
  catchUpTimeoutMillis: 2000,
};

/** The part of a replica set's configuration that is compared with the wanted one. */
export interface ReplicaSetConfig extends Document {
  _id: string;
  version: number;
  members: { _id: number; host: string }[];
  settings?: Partial<typeof WANTED_SETTINGS>;
}

/** One permitted change: MongoDB takes at most one voting member more or less at a time. */
export interface Step {
  kind: "settings" | "add" | "remove";
  host?: string;
  config: ReplicaSetConfig;
}

/** The configuration of a set that has only its first member. */
export function firstConfig(replicaSet: string, host: string): Document {
  return { _id: replicaSet, members: [{ _id: 0, host }], settings: WANTED_SETTINGS };
}

/** The next change from `current` towards exactly `hosts`, undefined when nothing is left to do. */
export function nextStep(current: ReplicaSetConfig, hosts: string[]): Step | undefined {
  const next = { ...current, version: current.version + 1 };
  const settings = { ...current.settings, ...WANTED_SETTINGS };
  if (!isDeepStrictEqual(settings, current.settings)) {
    return { kind: "settings", config: { ...next, settings } };
  }
  const present = current.members.map((member) => member.host);
  const missing = hosts.find((host) => !present.includes(host));
  if (missing) {
    const _id = Math.max(...current.members.map((member) => member._id)) + 1;
    const members = [...current.members, { _id, host: missing }];
    return { kind: "add", host: missing, config: { ...next, members } };
  }
  const surplus = present.findLast((host) => !hosts.includes(host));
  if (!surplus) return undefined;
  const members = current.members.filter((member) => member.host !== surplus);
  return { kind: "remove", host: surplus, config: { ...next, members } };
}

/** Changes the membership, one member at a time, until it is as wanted. Safe beside others that do the same. */
export async function reconcileMembers(client: MongoClient, settings: StoreSettings) {
  await waitFor(settings, `the set ${settings.replicaSet} to take its members`, async () => {
    try {
      const { config } = await command(client, { replSetGetConfig: 1 });
      const step = nextStep(config as ReplicaSetConfig, settings.hosts);
      if (!step) return true;
      await apply(client, settings, step);
    } catch (error) {
      if (!isTransient(error)) throw error;
      log("retry", { reason: (error as Error).message });
    }
    return undefined;
  });
  await waitUntilSteady(client, settings, settings.hosts);
}

async function apply(client: MongoClient, settings: StoreSettings, step: Step) {
  if (step.kind === "remove") await handOver(client, settings, step.host ?? "");
  await command(client, { replSetReconfig: step.config, maxTimeMS: 30_000 });
  log(`member-${step.kind}`, { host: step.host, version: step.config.version });
  if (step.kind === "add") await waitUntilSteady(client, settings, [step.host ?? ""]);
}

/** A primary that is to go first hands over to a member that stays. */
async function handOver(client: MongoClient, settings: StoreSettings, host: string) {
  const { primary } = await command(client, { hello: 1 });
  if (primary !== host) return;
  log("step-down", { host });
  await command(client, { replSetStepDown: 120, secondaryCatchUpPeriodSecs: 20 });
  await waitFor(settings, `another primary than ${host}`, async () => {
    const answer = await command(client, { hello: 1 });
    return answer.isWritablePrimary && answer.me !== host ? true : undefined;
  });
}

/**
 * Waits until these members hold all data and all members vote: a new one does so only some time after it is
 * secondary, and until then the set may not survive the loss of another.
 */
async function waitUntilSteady(client: MongoClient, settings: StoreSettings, hosts: string[]) {
  await waitFor(
    settings,
    `${hosts.join(", ")} to be primary or secondary, and to vote`,
    async () => {
      const status = await command(client, { replSetGetStatus: 1 });
      if (status.votingMembersCount !== status.members.length) return undefined;
      const members = statesIn(status);
      return hosts.every((host) => /^(PRIMARY|SECONDARY)$/.test(members[host] ?? "")) || undefined;
    },
  );
}

/** State of every member as the primary sees it. */
export async function states(client: MongoClient): Promise<Record<string, string>> {
  return statesIn(await command(client, { replSetGetStatus: 1 }));
}

function statesIn(status: Document): Record<string, string> {
  return Object.fromEntries(
    status.members.map((member: Document) => [member.name, member.stateStr]),
  );
}
