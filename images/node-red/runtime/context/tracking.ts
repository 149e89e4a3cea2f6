/** Keeps the copy in step with the store: announcements of changes, and a proof that they arrive. */
import type { Redis } from "ioredis";
import { type Logger, reasonOf } from "../log.ts";
import { channelOf, type Exchange, type News } from "./exchange.ts";
import type { Mirror } from "./mirror.ts";
import { beat } from "./operations.ts";

/** Pause between two proofs. */
const BEAT_MS = 1000;

export interface TrackingOptions {
  /** A connection of its own. */
  readonly subscriber: Redis;
  readonly exchange: Exchange;
  readonly mirror: Mirror;
  readonly prefix: string;
  readonly log: Logger;
}

/** Begins to follow. `first` resolves when the copy is complete for the first time. */
export function track({ subscriber, exchange, mirror, prefix, log }: TrackingOptions) {
  let following = false;
  let loading = false;

  const first = Promise.withResolvers<void>();
  /** One that was interrupted is made again by the next beat. */
  const load = async () => {
    if (loading) return;
    loading = true;
    try {
      await mirror.load();
      if (mirror.isComplete) first.resolve();
    } catch (error) {
      log.debug("the shared context was not loaded", { reason: reasonOf(error) });
    }
    loading = false;
  };
  const follow = async () => {
    try {
      // Only what is read after this is sure to be kept up to date.
      await subscriber.subscribe(channelOf(prefix));
      following = true;
      void load();
    } catch (error) {
      log.debug("the shared context is not followed", { reason: reasonOf(error) });
    }
  };
  const onBeat = () => {
    if (following && !mirror.isComplete) void load();
    exchange.run([beat()]).catch(() => {});
  };

  subscriber.on("ready", () => void follow());
  subscriber.on("message", (_channel, text) => mirror.hear(JSON.parse(text) as News));
  subscriber.on("close", () => {
    following = false;
    mirror.interrupt();
  });
  const timer = setInterval(onBeat, BEAT_MS);
  timer.unref();

  const stop = () => {
    clearInterval(timer);
    subscriber.disconnect();
  };
  return { first: first.promise, stop };
}
