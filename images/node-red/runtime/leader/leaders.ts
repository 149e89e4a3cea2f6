/** The elections of a worker, over Valkey. */
import { once } from "node:events";
import type { Redis } from "ioredis";
import type { ValkeySettings } from "../environment.ts";
import type { Logger } from "../log.ts";
import { connectValkey } from "../valkey/connection.ts";
import { Election, type LockStore } from "./election.ts";
import { ACQUIRE, EXTEND, RELEASE } from "./scripts.ts";
import { workerOf } from "./token.ts";
import type { Candidacy, Handover, Leaders, NextFence } from "./types.ts";

export interface LeadersOptions {
  readonly valkey: ValkeySettings;
  readonly worker: string;
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
  readonly leaseMs: number;
  readonly listeners: Set<() => void>;
}

const SCRIPTS = { leaderAcquire: ACQUIRE, leaderExtend: EXTEND, leaderRelease: RELEASE };

type Command = (key: string, ...args: (string | number)[]) => Promise<unknown>;

/** Waits a moment for a connection that is being made. */
async function connected(client: Redis): Promise<void> {
  if (client.status === "ready") return;
  await once(client, "ready", { signal: AbortSignal.timeout(COMMAND_MS) }).catch(() => {
    throw new Error("Valkey is not reached");
  });
}

/** Two connections: one asks, and one that listens can do nothing else. */
interface Connections {
  readonly client: Redis;
  readonly subscriber: Redis;
}

/** Takes part in elections. Connects when the first node does. */
export function createLeaders(options: LeadersOptions): Leaders {
  return new ValkeyLeaders(options);
}

class ValkeyLeaders implements Leaders {
  readonly worker: string;
  private readonly options: LeadersOptions;
  private readonly seats = new Map<string, Seat>();
  /** Tells what was released. */
  private readonly channel: string;
  private readonly store: LockStore;
  private connections: Connections | undefined;

  constructor(options: LeadersOptions) {
    this.options = options;
    this.worker = options.worker;
    this.channel = `${options.valkey.prefix}leader`;
    this.store = {
      acquire: (lock, token, leaseMs) => this.run("leaderAcquire", lock, token, leaseMs),
      extend: async (lock, token, leaseMs) =>
        (await this.run("leaderExtend", lock, token, leaseMs)) === 1,
      release: async (lock, token) =>
        (await this.run("leaderRelease", lock, token, this.channel)) === 1,
      owner: (lock) => this.run("get", lock),
    };
  }

  join(lock: string, ttlMs: number, onChange: () => void): Candidacy {
    const seat = this.seatFor(lock, leaseOf(ttlMs));
    const listener = () => onChange();
    seat.listeners.add(listener);
    return {
      get state() {
        return seat.election.state;
      },
      leave: async (gone) => {
        seat.listeners.delete(listener);
        if (gone) await this.vacate(lock, seat);
        else setTimeout(() => void this.vacate(lock, seat), SUCCESSOR_MS).unref();
      },
    };
  }

  async handOver(lock: string): Promise<Handover> {
    if (await this.seats.get(lock)?.election.handOver()) return { released: true };
    const owner = await this.store.owner(lock);
    return { released: false, ...(owner !== null && { leader: workerOf(owner) }) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.seats.values()].map(({ election }) => election.end()));
    this.seats.clear();
    this.connections?.client.disconnect();
    this.connections?.subscriber.disconnect();
  }

  /** The first node of a lock says how long its lease is; one that was changed says so anew. */
  private seatFor(lock: string, leaseMs: number): Seat {
    const seat = this.seats.get(lock);
    if (seat && (seat.leaseMs === leaseMs || seat.listeners.size > 0)) return seat;
    if (seat) void this.vacate(lock, seat);
    return this.take(lock, leaseMs);
  }

  private take(lock: string, leaseMs: number): Seat {
    const { store, worker, options } = this;
    const { nextFence, log } = options;
    const listeners = new Set<() => void>();
    const onChange = () => {
      for (const listener of listeners) listener();
    };
    const election = new Election({ lock, worker, leaseMs, store, nextFence, onChange, log });
    const seat = { election, leaseMs, listeners };
    this.seats.set(lock, seat);
    return seat;
  }

  private async vacate(lock: string, seat: Seat): Promise<void> {
    if (seat.listeners.size > 0 || this.seats.get(lock) !== seat) return;
    this.seats.delete(lock);
    await seat.election.end();
  }

  private keyOf(lock: string): string {
    return `${this.channel}:${lock}`;
  }

  private async run<Answer>(
    command: keyof typeof SCRIPTS | "get",
    lock: string,
    ...args: (string | number)[]
  ): Promise<Answer> {
    this.connections ??= this.connect();
    await connected(this.connections.client);
    const commands = this.connections.client as unknown as Record<string, Command>;
    const run = commands[command] as Command;
    return run.call(commands, this.keyOf(lock), ...args) as Promise<Answer>;
  }

  private connect(): Connections {
    const { valkey, name, log } = this.options;
    const client = connectValkey(valkey, `${name}-leader`, log, {
      ...{ enableOfflineQueue: false, autoResendUnfulfilledCommands: false },
      commandTimeout: COMMAND_MS,
    });
    for (const [command, lua] of Object.entries(SCRIPTS)) {
      client.defineCommand(command, { numberOfKeys: 1, lua });
    }
    const subscriber = connectValkey(valkey, `${name}-released`, log);
    subscriber.on("message", (_channel, key) => this.wake(key));
    subscriber.subscribe(this.channel).catch(() => {});
    // What was released while nobody listened.
    subscriber.on("ready", () => this.wake());
    return { client, subscriber };
  }

  /** One lock by its key, or all, may be free now. */
  private wake(key?: string): void {
    for (const [lock, { election }] of this.seats) {
      if (key === undefined || this.keyOf(lock) === key) election.wake();
    }
  }
}
