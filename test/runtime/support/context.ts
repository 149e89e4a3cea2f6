import { randomBytes } from "node:crypto";
import {
  createSharedContext,
  type SharedContextOptions,
} from "../../../images/node-red/runtime/context/index.ts";
import type { ContextStore } from "../../../images/node-red/runtime/context/store.ts";
import type { ValkeySettings } from "../../../images/node-red/runtime/environment.ts";
import { createLogger } from "../../../images/node-red/runtime/log.ts";
import type { ValkeyGroup } from "../../support/valkey-group.ts";

/** A prefix that no other test has. */
export const freshPrefix = () => `nr:${randomBytes(4).toString("hex")}:`;

/** How a runtime reaches a group. */
export function settingsOf(group: ValkeyGroup, prefix = freshPrefix()): ValkeySettings {
  const { app: password } = group.passwords;
  return {
    sentinels: [0, 1, 2].map((member) => ({
      host: group.address("sentinel", member),
      port: 26379,
    })),
    masterName: "redfleet",
    ...{ username: "app", password, sentinelUsername: "app", sentinelPassword: password, prefix },
  };
}

/** A worker's store, opened. */
export class Worker {
  readonly store: ContextStore;
  private readonly opened: Promise<void>;

  constructor(valkey: ValkeySettings, more: Partial<SharedContextOptions> = {}) {
    const log = createLogger("error", { component: "test" });
    const name = "test-worker";
    const common = { valkey, log, name, synchronous: false, timeoutMs: 10_000 };
    this.store = createSharedContext({ ...common, ...more }).store;
    this.opened = this.store.open();
  }

  async ready(): Promise<this> {
    await this.opened;
    return this;
  }

  /** One key: its value; several: a list of values. */
  get(scope: string, key: string | readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.store.get(scope, key, (error, ...values) => {
        if (error) reject(error);
        else resolve(Array.isArray(key) ? values : values[0]);
      });
    });
  }

  set(scope: string, key: string | readonly string[], value: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.store.set(scope, key, value, (error) => (error ? reject(error) : resolve()));
    });
  }

  keys(scope: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.store.keys(scope, (error, names) => (error ? reject(error) : resolve(names)));
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
