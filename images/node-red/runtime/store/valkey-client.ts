/**
 * The connection of the flow store to whichever server is primary, with writes that count once enough replicas have
 * them.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChainableCommander, Redis, RedisOptions } from "ioredis";
import type { ValkeySettings } from "../environment.ts";
import { type Logger, reasonOf } from "../log.ts";
import { persist } from "../retry.ts";
import { connectValkey, isPassing } from "../valkey/connection.ts";
import { reconnect } from "../valkey/failover.ts";
import { Sentinels } from "../valkey/sentinels.ts";
import { RevisionConflict } from "./types.ts";

export interface ValkeyClientOptions {
  settings: ValkeySettings;
  /** Replicas that must have a write before it counts. */
  waitReplicas: number;
  /** Name of the connections. */
  appName: string;
  log: Logger;
}

/** A command that got no answer fails after this. */
const COMMAND_MS = 5000;
/** A write that is not confirmed is tried again for this long: an editor waits for the answer. */
const CONFIRM_MS = 10_000;
const WAIT_MS = 1500;
const RETRY_MS = 200;

/** Connects by itself, for ever. Nothing is sent twice but what may be. */
export class ValkeyClient {
  private readonly options: ValkeyClientOptions;
  private readonly client: Redis;
  private readonly sentinels: Sentinels | undefined;

  constructor(options: ValkeyClientOptions) {
    this.options = options;
    // A queue would send a write later, when its caller has been told that it failed. Without retries what was under
    // way fails with the connection; else ioredis leaves it to its timeout.
    this.client = this.open(options.appName, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
    });
    const { settings, appName, log } = options;
    if (settings.sentinels) this.sentinels = new Sentinels(settings, appName, log);
  }

  /** One more connection, for subscriptions. */
  open(name: string, more: RedisOptions = {}): Redis {
    const { settings, log } = this.options;
    const common = { commandTimeout: COMMAND_MS, autoResendUnfulfilledCommands: false };
    return connectValkey(settings, name, log, { ...common, autoResubscribe: false, ...more });
  }

  /** Waits until the server answers. */
  async connect(signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    const answers = async () => {
      if (this.client.status !== "ready")
        await once(this.client, "ready", { signal: AbortSignal.timeout(COMMAND_MS) });
      await this.client.ping();
    };
    await persist("the flow store does not answer yet", answers, log, signal);
  }

  /** Works on the primary. A server that hangs, or that writes are refused by, may be primary no more. */
  async run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await work(this.client);
    } catch (error) {
      if (isPassing(error)) reconnect(this.client);
      throw error;
    }
  }

  /**
   * A write that counts when enough replicas have it. It is sent again while that is not sure, so it must do the
   * same when it is repeated.
   * @param read what the server's answer means.
   * @throws when it is not confirmed in time: it may be there all the same.
   */
  async confirmed<T>(
    what: string,
    write: (chain: ChainableCommander) => unknown,
    read?: (answer: unknown) => T,
  ): Promise<T | undefined> {
    const end = performance.now() + CONFIRM_MS;
    for (;;) {
      try {
        const { answer, have, from } = await this.run((client) => this.writeAndWait(client, write));
        const result = read?.(answer);
        this.checkReplicas(have);
        await this.checkPrimary(from);
        return result;
      } catch (error) {
        const final = error instanceof RevisionConflict || !isPassing(error);
        if (final || performance.now() > end) throw error;
        const reason = reasonOf(error);
        this.options.log.warn(`${what} is not confirmed, trying again`, { reason });
        await sleep(RETRY_MS);
      }
    }
  }

  /** The server's answer, how many replicas have the write, and where the server is. */
  private async writeAndWait(client: Redis, write: (chain: ChainableCommander) => unknown) {
    const { remoteAddress = "", remotePort = 0 } = client.stream as Socket;
    const chain = client.pipeline();
    write(chain);
    // On the same connection: WAIT is about what this connection has written.
    const answers = await chain.wait(this.options.waitReplicas, WAIT_MS).exec();
    const [answer, have] = (answers ?? []).map(([error, value]) => {
      if (error) throw error;
      return value;
    });
    return { answer, have: Number(have), from: { address: remoteAddress, port: remotePort } };
  }

  checkReplicas(have: number): void {
    const { waitReplicas } = this.options;
    if (have >= waitReplicas) return;
    // An old primary that everybody left may still take writes.
    reconnect(this.client);
    throw new Error(`${have} of ${waitReplicas} replicas have it`);
  }

  /** After the replicas were asked: one that was promoted in between confirms nothing any more. */
  private async checkPrimary({ address, port }: { address: string; port: number }): Promise<void> {
    await this.run(async () => this.sentinels?.confirm(address, port));
  }

  /** What a script that waits by itself waits for: how many replicas, and for how many milliseconds. */
  get wait(): { replicas: number; ms: number } {
    return { replicas: this.options.waitReplicas, ms: WAIT_MS };
  }

  /** True when the Sentinels name another server than this one. */
  async isReplaced(address: string, port: number): Promise<boolean> {
    return !!(await this.sentinels?.nameAnother(address, port));
  }

  /** Looks for the primary anew. */
  reconnect(): void {
    reconnect(this.client);
  }

  close(): void {
    this.sentinels?.close();
    this.client.disconnect();
  }
}
