import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContextStore } from "../../images/node-red/runtime/context/store.ts";
import { redisImage } from "../support/redis.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { freshPrefix, settingsOf, Worker } from "./support/context.ts";

const require = createRequire(import.meta.url);
/** Node-RED's own store on files, without its cache: asynchronous, and JSON like ours. */
const localfilesystem = require("@node-red/runtime/lib/nodes/context/localfilesystem") as (
  config: object,
) => ContextStore;

const KEYS = ["a", "b", "a.b", "a.b.c", "a[0]", "a[2].x", "a['k k'].z", 'a["q.q"]', "b[1][0]"];
const BROKEN = ["a.", "a[", "a[b]", "a b", "a..b", ".a", "a['x"];

type Step =
  | { readonly kind: "set"; readonly key: string; readonly value: unknown }
  | { readonly kind: "setAll"; readonly keys: string[]; readonly values: unknown }
  | { readonly kind: "get"; readonly key: string | string[] }
  | { readonly kind: "keys" };

const keyOf = fc.constantFrom(...KEYS);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.string({ minLength: 1500, maxLength: 3000 }) },
);
const keyList = fc.array(keyOf, { minLength: 1, maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), key: keyOf, value }),
  fc.record({
    kind: fc.constant("setAll" as const),
    keys: keyList,
    values: fc.oneof(fc.array(value, { maxLength: 3 }), fc.integer()),
  }),
  fc.record({ kind: fc.constant("get" as const), key: fc.oneof(keyOf, keyList) }),
  fc.constant({ kind: "keys" as const }),
);

/** A list holds null, and a step deletes something below it: Node-RED's own store fails over it. */
const BELOW_NULL: Step[] = [
  { kind: "set", key: "a", value: [null, false, null] },
  { kind: "set", key: "a[2].x", value: undefined },
  { kind: "get", key: "a" },
];

/** A list is cut off and made longer again: what was beyond is gone. */
const CUT_OFF: Step[] = [
  { kind: "set", key: "a", value: [1, 2, 3] },
  { kind: "set", key: "a.length", value: 0 },
  { kind: "set", key: "a.length", value: 3 },
  { kind: "get", key: "a" },
];

/** What a step leads to: a value, a list of values, or the code or name of an error. */
function take(store: ContextStore, scope: string, one: Step): Promise<unknown> {
  return new Promise((resolve) => {
    const done = (error?: unknown, ...values: unknown[]) => {
      if (error) resolve({ error: (error as { code?: string }).code ?? (error as Error).name });
      else resolve(one.kind === "keys" ? [...(values[0] as string[])].sort() : values);
    };
    if (one.kind === "set") store.set(scope, one.key, one.value, done);
    else if (one.kind === "setAll") store.set(scope, one.keys, one.values, done);
    else if (one.kind === "get") store.get(scope, one.key, done);
    else store.keys(scope, done);
  });
}

/** What ours is to answer: where Node-RED's own store trips, there is nothing to do. */
async function wanted(theirs: ContextStore, scope: string, one: Step): Promise<unknown> {
  const answer = await take(theirs, scope, one);
  return (answer as { error?: string }).error === "TypeError" ? [] : answer;
}

const servers = [
  { server: "Valkey", image: async () => undefined },
  { server: "Redis 6.2", image: () => redisImage("6.2") },
];

describe.each(servers)(
  "the shared context on $server against Node-RED's own store",
  ({ image }) => {
    let group: ValkeyGroup;
    let worker: Worker;
    let synchronous: Worker;
    let theirs: ContextStore;
    const folder = mkdtempSync(join(tmpdir(), "redfleet-context-"));
    let count = 0;

    beforeAll(async () => {
      group = await new ValkeyGroup({ image: await image(), nodes: 2 }).open();
      worker = await new Worker(settingsOf(group)).ready();
      synchronous = await new Worker(settingsOf(group), { synchronous: true }).ready();
      theirs = localfilesystem({ dir: folder, cache: false, settings: {} });
      await theirs.open();
    });
    afterAll(async () => {
      await worker?.close();
      await synchronous?.close();
      await group?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A scope with something in it: for an empty one the store on files does not look at the keys. */
    const begin = async (ours: ContextStore) => {
      const scope = `node${count++}:flow`;
      const first = { kind: "set", key: "first", value: 1 } as const;
      await Promise.all([take(ours, scope, first), take(theirs, scope, first)]);
      return scope;
    };

    it("answers each sequence of operations alike", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 15 }), async (steps) => {
          const scope = await begin(worker.store);
          for (const one of steps) {
            expect(await take(worker.store, scope, one)).toEqual(await wanted(theirs, scope, one));
          }
        }),
        { numRuns: 60, examples: [[BELOW_NULL], [CUT_OFF]] },
      );
    });

    it("reads without waiting what it would read with waiting", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 15 }), async (steps) => {
          const scope = await begin(synchronous.store);
          for (const one of steps) {
            if (one.kind === "get") {
              const seen = synchronous.store.get(scope, one.key);
              expect(Array.isArray(one.key) ? seen : [seen]).toEqual(
                await wanted(theirs, scope, one),
              );
            } else if (one.kind === "keys") {
              const seen = synchronous.store.keys(scope) as string[];
              expect([...seen].sort()).toEqual(await wanted(theirs, scope, one));
            } else {
              // Nobody waits for the answer: the own change shows at once.
              void take(synchronous.store, scope, one);
              await take(theirs, scope, one);
            }
          }
        }),
        { numRuns: 60, examples: [[BELOW_NULL], [CUT_OFF]] },
      );
    });

    it("refuses the keys that Node-RED refuses, by the same code", async () => {
      const scope = await begin(worker.store);
      for (const key of BROKEN) {
        const steps: Step[] = [
          { kind: "get", key },
          { kind: "set", key, value: 1 },
          { kind: "get", key: ["a", key] },
        ];
        for (const one of steps) {
          const answer = await take(worker.store, scope, one);
          expect(answer, key).toEqual({ error: "INVALID_EXPR" });
          expect(await take(theirs, scope, one), key).toEqual(answer);
        }
      }
    });

    it("says what it cannot store, and leaves what was there", async () => {
      await worker.set("global", "kept", { a: 1 });
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      await expect(worker.set("global", "kept", circular)).rejects.toThrow(/circular/i);
      await expect(worker.set("global", "kept.a", 1n)).rejects.toThrow(/BigInt/);
      await expect(worker.set("global", "kept[2000000]", 1)).rejects.toThrow(/above 1000000/);
      expect(await worker.get("global", "kept")).toEqual({ a: 1 });
    });

    it("keeps scopes and prefixes apart", async () => {
      const other = await new Worker(settingsOf(group, freshPrefix())).ready();
      await worker.set("a:b", "c", "mine");
      expect(await worker.get("a", "b:c").catch(() => undefined)).toBeUndefined();
      await worker.set("a", "'b:c'.d", "theirs");
      await worker.set("a:b", "c.d", 1);
      expect(await worker.get("a", "'b:c'")).toEqual({ d: "theirs" });
      expect(await worker.get("a:b", "c")).toBe("mine");
      expect(await other.keys("a:b")).toEqual([]);
      await other.close();
    });

    it("needs a callback when it keeps no copy", () => {
      expect(() => worker.store.get("global", "a")).toThrow(/asynchronous/);
      expect(() => worker.store.keys("global")).toThrow(/asynchronous/);
    });
  },
);
