/** The shared context of a runtime: its connections, its store, its place in Node-RED's settings. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ValkeySettings } from "../environment.ts";
import { connectValkey } from "../valkey/connection.ts";
import { Exchange, type ExchangeCounters } from "./exchange.ts";
import { Mirror } from "./mirror.ts";
import { type ContextStore, createContextStore, type StoreOptions } from "./store.ts";
import { track } from "./tracking.ts";

export interface SharedContextOptions extends Pick<StoreOptions, "storedNodes" | "log"> {
  readonly valkey: ValkeySettings;
  /** Name of the connections. */
  readonly name: string;
  /** Keep a copy in memory, for reads without a callback. */
  readonly synchronous: boolean;
  /** Milliseconds until an operation is given up. */
  readonly timeoutMs: number;
  /** Age in milliseconds from which on the copy is not read any more. Default 5000. */
  readonly staleMs?: number;
}

/** A context store with what belongs to it. */
export interface SharedContext {
  readonly store: ContextStore;
  readonly counters: ExchangeCounters;
}

const STALE_MS = 5000;
/** One try of a call; a primary that hangs is left after it. */
const TRY_MS = 1500;

/** Connects, and creates the store. */
export function createSharedContext(options: SharedContextOptions): SharedContext {
  const { valkey, log, name, timeoutMs, staleMs = STALE_MS } = options;
  const { prefix } = valkey;
  const client = connectValkey(valkey, `${name}-context`, log, {
    enableOfflineQueue: false,
    commandTimeout: TRY_MS,
  });
  const exchange = new Exchange({ client, prefix, timeoutMs });
  const end = async () => {
    await exchange.close();
    client.disconnect();
  };
  const common = { exchange, log, storedNodes: options.storedNodes };
  if (!options.synchronous) {
    const store = createContextStore({ ...common, open: async () => {}, close: end });
    return { store, counters: exchange.counters };
  }
  const mirror = new Mirror({ exchange, staleMs, log });
  const subscriber = connectValkey(valkey, `${name}-news`, log, { autoResubscribe: false });
  const tracking = track({ subscriber, exchange, mirror, prefix, log });
  const store = createContextStore({
    ...{ ...common, mirror },
    // Flows find the copy complete; without the store they start all the same.
    open: async () =>
      void (await Promise.race([tracking.first, sleep(staleMs, undefined, { ref: false })])),
    close: async () => {
      tracking.stop();
      await end();
    },
  });
  return { store, counters: exchange.counters };
}
