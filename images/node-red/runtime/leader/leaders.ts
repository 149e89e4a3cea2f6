/** The elections of a worker, over Valkey. */
import { once } from "node:events";
import type { Redis } from "ioredis";
import type { ValkeySettings } from "../environment.ts";
import type { Logger } from "../log.ts";
import { connectValkey } from "../valkey/connection.ts";
import { Election, type LockStore } from "./election.ts";
import { ACQUIRE, EXTEND, RELEASE } from "./scripts.ts";
import type { Candidacy, Leaders, NextFence } from "./types.ts";

export interface LeadersOptions {
  readonly valkey: ValkeySettings;
  readonly nextFence: NextFence;
  /** Name of the connections. */
  readonly name: string;
  readonly log: Logger;
}

/** The lease of a lock whose nodes allow the usual silence: a crash is noticed within 3 s. */
const LEASE_MS = 2400;
/** Silence that a leader node allows by default. Who allows more means it. */
const USUAL_TTL_MS = 10_000;
const COMMAND_MS = 1000;
/** A node that was changed is back within this time; one that was removed never. */
const SUCCESSOR_MS = 2000;

/** How long the store keeps a lock without a renewal. */
export function leaseOf(ttlMs: number): number {
  return ttlMs > USUAL_TTL_MS ? ttlMs : Math.min(ttlMs, LEASE_MS);
}

/** An election and the nodes that take part in it. */
interface Seat {
  readonly election: Election;
  readonly listeners: Set<() => void>;
}

const SCRIPTS = { leaderAcquire: ACQUIRE, leaderExtend: EXTEND, leaderRelease: RELEASE };

type Script = (key: string, ...args: (string | number)[]) => Promise<number>;

/** Waits a moment for a connection that is being made. */
async function connected(client: Redis): Promise<void> {
  if (client.status === "ready") return;
  await once(client, "ready", { signal: AbortSignal.timeout(COMMAND_MS) }).catch(() => {
    throw new Error("Valkey is not reached");
  });
}

/** Takes part in elections. Connects when the first node does. */
export function createLeaders(options: LeadersOptions): Leaders {
  const { valkey, nextFence, name, log } = options;
  const seats = new Map<string, Seat>();
  const channel = `${valkey.prefix}leader`;
  const keyOf = (lock: string) => `${valkey.prefix}leader:${lock}`;
  let connections: { client: Redis; subscriber: Redis } | undefined;

  const connect = () => {
    const client = connectValkey(valkey, `${name}-leader`, log, {
      ...{ enableOfflineQueue: false, autoResendUnfulfilledCommands: false },
      commandTimeout: COMMAND_MS,
    });
    for (const [command, lua] of Object.entries(SCRIPTS)) {
      client.defineCommand(command, { numberOfKeys: 1, lua });
    }
    const subscriber = connectValkey(valkey, `${name}-released`, log);
    subscriber.on("message", (_channel, key) => {
      for (const [lock, { election }] of seats) if (keyOf(lock) === key) election.wake();
    });
    subscriber.subscribe(channel).catch(() => {});
    // What was released while nobody listened.
    subscriber.on("ready", () => {
      for (const { election } of seats.values()) election.wake();
    });
    return { client, subscriber };
  };

  const run = async (command: keyof typeof SCRIPTS, key: string, ...args: (string | number)[]) => {
    connections ??= connect();
    await connected(connections.client);
    const commands = connections.client as unknown as Record<string, Script>;
    return (commands[command] as Script).call(commands, key, ...args);
  };
  const store: LockStore = {
    acquire: (lock, token, leaseMs) => run("leaderAcquire", keyOf(lock), token, leaseMs),
    extend: async (lock, token, leaseMs) =>
      (await run("leaderExtend", keyOf(lock), token, leaseMs)) === 1,
    release: async (lock, token) => void (await run("leaderRelease", keyOf(lock), token, channel)),
  };

  const take = (lock: string, ttlMs: number): Seat => {
    const listeners = new Set<() => void>();
    const onChange = () => {
      for (const listener of listeners) listener();
    };
    const leaseMs = leaseOf(ttlMs);
    const election = new Election({ lock, leaseMs, store, nextFence, onChange, log });
    const seat = { election, listeners };
    seats.set(lock, seat);
    return seat;
  };
  const vacate = async (lock: string, seat: Seat) => {
    if (seat.listeners.size > 0 || seats.get(lock) !== seat) return;
    seats.delete(lock);
    await seat.election.end();
  };

  return {
    join(lock, ttlMs, onChange): Candidacy {
      const seat = seats.get(lock) ?? take(lock, ttlMs);
      const listener = () => onChange();
      seat.listeners.add(listener);
      return {
        get state() {
          return seat.election.state;
        },
        handOver: () => seat.election.handOver(),
        async leave(gone) {
          seat.listeners.delete(listener);
          if (gone) await vacate(lock, seat);
          else setTimeout(() => void vacate(lock, seat), SUCCESSOR_MS).unref();
        },
      };
    },
    async handOver(lock) {
      await seats.get(lock)?.election.handOver();
    },
    async close() {
      await Promise.all([...seats.values()].map(({ election }) => election.end()));
      seats.clear();
      connections?.client.disconnect();
      connections?.subscriber.disconnect();
    },
  };
}
