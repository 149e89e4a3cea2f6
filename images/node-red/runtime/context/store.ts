/** Node-RED's context store over Valkey: one hash for each scope, shared by all workers of a cluster. */
import type { Logger } from "../log.ts";
import { reasonOf } from "../log.ts";
import { cleanScopes } from "./clean.ts";
import type { Mirror } from "./mirror.ts";
import * as operation from "./operations.ts";
import { parseKey, pick } from "./path.ts";
import { SharedValues, type SharedValuesOptions } from "./values.ts";

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

export interface StoreOptions extends SharedValuesOptions {
  /** Ids of all nodes in the newest stored revision; undefined in workers that never clean. */
  readonly storedNodes?: () => Promise<ReadonlySet<string>>;
  open(): Promise<void>;
  close(): Promise<void>;
}

const NO_CALLBACK =
  "the shared context is asynchronous: read it with a callback, or switch on `context.synchronous`";

/** Creates the store. All methods answer in time; none throws for a store that is away. */
export function createContextStore(options: StoreOptions): ContextStore {
  const { exchange, mirror, log, open, close, storedNodes } = options;
  const values = new SharedValues(options);
  return {
    ...{ open, close },
    get(scope, key, callback) {
      if (callback === undefined) return getNow(mirror, scope, key);
      answer(callback, async () => values.read(scope, listOf(key).map(parseKey)));
    },
    set(scope, key, value, callback) {
      const wanted = Array.isArray(key) ? valuesFor(key, value) : [value];
      answer(callback ?? reporter(log, scope), async () => {
        await values.write(scope, listOf(key).map(parseKey), wanted);
        return [];
      });
    },
    keys(scope, callback) {
      if (callback === undefined) return present(mirror).keys(scope);
      answer(callback, async () => [await values.keys(scope)]);
    },
    async delete(scope) {
      await exchange.run([operation.drop(scope)]);
    },
    // Never awaited: Node-RED starts the flows of a deploy only after it.
    async clean(activeNodes) {
      if (storedNodes) void cleanScopes({ exchange, log, storedNodes, activeNodes });
    },
  };
}

/** The copy for reads without a callback. @throws when there is none. */
function present(mirror: Mirror | undefined): Mirror {
  if (mirror === undefined) throw new Error(NO_CALLBACK);
  return mirror;
}

function getNow(mirror: Mirror | undefined, scope: string, key: Keys): unknown {
  const copy = present(mirror);
  const values = listOf(key).map((one) => {
    const parsed = parseKey(one);
    return pick(parsed, copy.read(scope, parsed.field));
  });
  return Array.isArray(key) ? values : values[0];
}

/** For writes that nobody waits for. */
function reporter(log: Logger, scope: string): Callback {
  return (error) => {
    if (error) log.warn("the shared context was not changed", { scope, reason: reasonOf(error) });
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
