import type { Redis } from "ioredis";
import { scopeSplitter } from "./scopes.ts";
import type { ContextValue, FlowNode } from "./types.ts";
import { keysFrom, readAll } from "./valkey-values.ts";

/** Most keys that are named one by one. */
const SHOWN = 5;

/**
 * The context of node-red-cluster. Its keys have the prefix once; twice where the context store was given one of its
 * own; not at all where that store had no configuration.
 * @returns the values of scopes that the flows have, and a line for each kind of key that is none of them
 */
export async function readContext(
  client: Redis,
  prefix: string,
  flows: readonly FlowNode[],
): Promise<{ values: ContextValue[]; leftOut: string[] }> {
  const split = scopeSplitter(flows);
  const starts = new Set([`${prefix}context:`, `${prefix}${prefix}context:`, "context:"]);
  const found = new Map<string, ContextValue>();
  const foreign: string[] = [];
  const unreadable: string[] = [];
  const twice: string[] = [];
  for (const start of starts) {
    const keys = await keysFrom(client, start);
    const values = await readAll(client, keys);
    keys.forEach((key, index) => {
      const place = split(key.slice(start.length));
      const value = values[index];
      const name = place && JSON.stringify([place.scope, place.key]);
      if (place === undefined || name === undefined) foreign.push(key);
      else if (value === undefined) unreadable.push(key);
      else if (found.has(name)) twice.push(key);
      else found.set(name, { ...place, value });
    });
  }
  const leftOut = [
    ...told(foreign, "of scopes that these flows do not have"),
    ...told(unreadable, "whose value is not JSON"),
    ...told(twice, "that are there under another prefix too, and were taken from there"),
  ];
  return { values: [...found.values()], leftOut };
}

function told(keys: readonly string[], which: string): string[] {
  if (keys.length === 0) return [];
  const more = keys.length > SHOWN ? ", …" : "";
  return [`context: ${keys.length} keys ${which}: ${keys.slice(0, SHOWN).join(", ")}${more}`];
}
