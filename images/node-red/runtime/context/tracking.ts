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
  let loading: Promise<void> | undefined;

  const load = async () => {
    try {
      await mirror.load();
    } catch (error) {
      log.debug("the shared context was not loaded", { reason: reasonOf(error) });
    }
    loading = undefined;
  };
  const follow = async () => {
    try {
      // Only what is read after this is sure to be kept up to date.
      await subscriber.subscribe(channelOf(prefix));
      following = true;
      loading ??= load();
      await loading;
    } catch (error) {
      log.debug("the shared context is not followed", { reason: reasonOf(error) });
    }
  };
  const onBeat = () => {
    if (following && !mirror.isComplete) loading ??= load();
    exchange.run([beat()]).catch(() => {});
  };

  const first = new Promise<void>((resolve) => {
    subscriber.on("ready", () => void follow().then(resolve));
  });
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
  return { first, stop };
}
