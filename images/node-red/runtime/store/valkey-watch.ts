/**
 * Follows the stored revision. A published message is a hint, the stored revision is the truth: it is
 * read again on every (re)subscription, and every poll interval. Messages are lost whenever a
 * connection is, and a server that hangs sends none, so the subscription is asked each second whether
 * it lives. A primary that was replaced lives on for some ten seconds and hears of nothing any more: the
 * Sentinels are asked as well.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { type Logger, reasonOf } from "../log.ts";
import { reconnect } from "../valkey/failover.ts";
import type { FlowSet, WatchListener } from "./types.ts";

const PING_MS = 1000;
const RETRY_MS = 200;

export interface ValkeyWatchOptions {
  /** A connection of its own: one that subscribes does nothing else. */
  subscriber: Redis;
  channels: { flows: string; workers: string };
  pollSeconds: number;
  log: Logger;
  listener: WatchListener;
  read(): Promise<FlowSet | null>;
  /** True when that server, to which the subscription goes, is primary no more. */
  isReplaced(address: string, port: number): Promise<boolean>;
  /** The subscription was found dead: other connections may be, too. */
  onSilence(): void;
}

/** A running watch. */
export class ValkeyWatcher {
  private readonly options: ValkeyWatchOptions;
  private readonly stopping = new AbortController();
  private reading: Promise<void> | undefined;
  private again = false;
  private subscribed = false;

  constructor(options: ValkeyWatchOptions) {
    this.options = options;
    const { subscriber, channels, listener } = options;
    subscriber.on("message", (channel: string) => {
      if (channel === channels.flows) this.reread();
      else listener.onWorker?.();
    });
    subscriber.on("ready", () => void this.subscribe());
    subscriber.on("close", () => {
      if (this.subscribed) listener.onBreak?.();
      this.subscribed = false;
    });
    if (subscriber.status === "ready") void this.subscribe();
    void this.ping();
    void this.poll();
  }

  private async subscribe(): Promise<void> {
    const { subscriber, channels, listener, log } = this.options;
    const wanted = listener.onWorker ? [channels.flows, channels.workers] : [channels.flows];
    try {
      await subscriber.subscribe(...wanted);
      this.subscribed = true;
      // What was published before cannot be heard any more.
      this.reread();
      listener.onWorker?.();
    } catch (error) {
      log.debug("the subscription was not made", { reason: reasonOf(error) });
      reconnect(subscriber);
    }
  }

  /** Reads what is stored now, until it works; once more if somebody asks meanwhile. */
  private reread(): void {
    this.again = true;
    this.reading ??= this.readUntilDone().finally(() => {
      this.reading = undefined;
    });
  }

  private async readUntilDone(): Promise<void> {
    const { signal } = this.stopping;
    while (this.again && !signal.aborted) {
      this.again = false;
      try {
        const set = await this.options.read();
        if (set !== null) this.options.listener.onFlowSet(set);
      } catch (error) {
        this.again = true;
        this.options.log.debug("the flow store was not read", { reason: reasonOf(error) });
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  private async ping(): Promise<void> {
    const { subscriber } = this.options;
    for await (const _ of this.ticks(PING_MS)) {
      if (subscriber.status !== "ready") continue;
      // One that was refused while the connection stayed is not repeated by anybody else.
      if (!this.subscribed) await this.subscribe();
      if (await this.isDeaf()) this.leave();
    }
  }

  private async isDeaf(): Promise<boolean> {
    const { subscriber, isReplaced } = this.options;
    const { remoteAddress = "", remotePort = 0 } = subscriber.stream as Socket;
    try {
      await subscriber.ping();
    } catch {
      return true;
    }
    return isReplaced(remoteAddress, remotePort);
  }

  private leave(): void {
    reconnect(this.options.subscriber);
    this.options.onSilence();
  }

  private async poll(): Promise<void> {
    for await (const _ of this.ticks(this.options.pollSeconds * 1000)) this.reread();
  }

  /** One tick each interval, until the end. */
  private async *ticks(ms: number): AsyncGenerator<void> {
    const { signal } = this.stopping;
    for (;;) {
      await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      yield;
    }
  }

  stop(): void {
    this.stopping.abort();
    this.options.subscriber.disconnect();
  }
}
