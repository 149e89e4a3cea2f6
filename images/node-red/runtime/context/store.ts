/** Node-RED's context store over Valkey: one hash for each scope, shared by all workers of a cluster. */
import type { Logger } from "../log.ts";
import { reasonOf } from "../log.ts";
import { cleanScopes } from "./clean.ts";
import { encode } from "./encoding.ts";
import type { Exchange } from "./exchange.ts";
import { createFolder } from "./folding.ts";
import type { Mirror } from "./mirror.ts";
import * as operation from "./operations.ts";
import { encodePatch, fieldValue } from "./patches.ts";
import { type ContextKey, emptyFor, parseKey, pick } from "./path.ts";

type Keys = string | readonly string[];
type Callback = (error?: unknown, ...values: unknown[]) => void;

/** What Node-RED asks of a context store. */
export interface ContextStore {
  open(): Promise<void>;
  close(): Promise<void>;
  get(scope: string, key: Keys, callback?: Callback): unknown;
  set(scope: string, key: Keys, value: unknown, callback?: Callback): void;
  keys(scope: string, callback?: Callback): unknown;
  delete(scope: string): Promise<void>;
  clean(activeNodes: readonly string[]): Promise<void>;
}

export interface StoreOptions {
  readonly exchange: Exchange;
  /** For reads without a callback; without it there are none. */
  readonly mirror?: Mirror;
  readonly log: Logger;
  /** Ids of all nodes in the newest stored revision; undefined in workers that never clean. */
  readonly storedNodes?: () => Promise<ReadonlySet<string>>;
  open(): Promise<void>;
  close(): Promise<void>;
}

const NO_CALLBACK =
  "the shared context is asynchronous: read it with a callback, or switch on `context.synchronous`";

/** Creates the store. All methods answer in time; none throws for a store that is away. */
export function createContextStore(options: StoreOptions): ContextStore {
  const { exchange, mirror, log } = options;
  const fold = createFolder(exchange, log);
  let count = 0;

  const read = async (scope: string, keys: readonly ContextKey[]): Promise<unknown[]> => {
    const answers = await exchange.run(keys.map(({ field }) => operation.get(scope, field)));
    return keys.map((key, index) => {
      const stored = operation.fieldOf(answers[index]);
      return stored && pick(key, fieldValue(stored));
    });
  };

  const change = (scope: string, key: ContextKey, value: unknown) => {
    if (key.rest.length > 0) {
      const patch = encodePatch(`${exchange.session}:${count++}`, key.text, value);
      return operation.patch(scope, key, patch, value === undefined ? "" : encode(emptyFor(key)));
    }
    if (value === undefined) return operation.remove(scope, key.field);
    return operation.set(scope, key.field, encode(value));
  };

  const write = async (scope: string, keys: readonly ContextKey[], values: readonly unknown[]) => {
    const changes = keys.map((key, index) => change(scope, key, values[index]));
    const settle = keys.map((key, index) => mirror?.anticipate(scope, key, values[index]));
    try {
      const answers = await exchange.run(changes);
      changes.forEach(({ kind, field }, index) => {
        if (kind === "patch") fold(scope, field, answers[index] as number);
      });
      for (const done of settle) done?.();
    } catch (error) {
      for (const done of settle) done?.(error);
      throw error;
    }
  };

  const readNow = (scope: string, key: Keys) => {
    if (mirror === undefined) throw new Error(NO_CALLBACK);
    const values = listOf(key).map((one) => {
      const parsed = parseKey(one);
      return pick(parsed, mirror.read(scope, parsed.field));
    });
    return Array.isArray(key) ? values : values[0];
  };

  return {
    open: options.open,
    close: options.close,
    get(scope, key, callback) {
      if (callback === undefined) return readNow(scope, key);
      answer(callback, async () => read(scope, listOf(key).map(parseKey)));
    },
    set(scope, key, value, callback) {
      const report: Callback = (error) => {
        if (error)
          log.warn("the shared context was not changed", { scope, reason: reasonOf(error) });
      };
      const values = Array.isArray(key) ? valuesFor(key, value) : [value];
      answer(callback ?? report, async () => {
        await write(scope, listOf(key).map(parseKey), values);
        return [];
      });
    },
    keys(scope, callback) {
      if (callback === undefined) {
        if (mirror === undefined) throw new Error(NO_CALLBACK);
        return mirror.keys(scope);
      }
      answer(callback, async () => {
        const [names] = (await exchange.run([operation.keys(scope)])) as [Buffer[]];
        return [names.map(String)];
      });
    },
    async delete(scope) {
      await exchange.run([operation.drop(scope)]);
    },
    // Never awaited: Node-RED starts the flows of a deploy only after it.
    async clean(activeNodes) {
      const { storedNodes } = options;
      if (storedNodes) void cleanScopes({ exchange, log, storedNodes, activeNodes });
    },
  };
}

const listOf = (key: Keys): readonly string[] => (typeof key === "string" ? [key] : key);

/** Values for a list of keys, as Node-RED's own stores spread them: what is missing becomes null. */
function valuesFor(keys: readonly string[], value: unknown): unknown[] {
  const values = Array.isArray(value) ? value : [value];
  return keys.map((_, index) => (index < values.length ? values[index] : null));
}

/** Calls back with the values or the error. What the callback throws is the callback's affair. */
function answer(callback: Callback, work: () => Promise<unknown[]>): void {
  work().then(
    (values) => process.nextTick(callback, undefined, ...values),
    (error) => process.nextTick(callback, error),
  );
}
