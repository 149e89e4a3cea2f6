/** Moving clients away from a server that takes no writes any more. */
import type { Redis } from "ioredis";

const PAUSE_MS = 1000;

const last = new WeakMap<Redis, number>();

/**
 * Lets a client ask the Sentinels anew. Only when it is connected (ioredis ends for good when it is
 * disconnected while it asks), and at most once a second (a storm of it never gets there).
 */
export function reconnect(client: Redis): void {
  if (client.status !== "ready") return;
  const now = performance.now();
  if (now - (last.get(client) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return;
  last.set(client, now);
  client.disconnect(true);
}
