/** Context keys: `a`, `a.b[0]["c d"]`. Parsed and applied by Node-RED's own functions. */
import { createRequire } from "node:module";

interface NodeRedUtil {
  normalisePropertyExpression(key: string): (string | number)[];
  getObjectProperty(holder: object, key: string): unknown;
  setObjectProperty(holder: object, key: string, value: unknown): boolean;
}

const require = createRequire(import.meta.url);
const { util } = require("@node-red/util") as { util: NodeRedUtil };

/** Gaps in arrays become null when stored: an index beyond this is a mistake, not a list. */
const LARGEST_INDEX = 1_000_000;

/** A parsed key. */
export interface ContextKey {
  readonly text: string;
  /** The top-level key: one field in the store. */
  readonly field: string;
  /** What follows it. */
  readonly rest: readonly (string | number)[];
}

function invalid(message: string): Error {
  return Object.assign(new Error(`Invalid property expression: ${message}`), {
    code: "INVALID_EXPR",
  });
}

/** Parses a key. @throws an error with code `INVALID_EXPR`, as Node-RED's stores do. */
export function parseKey(text: string): ContextKey {
  const [field, ...rest] = util.normalisePropertyExpression(text);
  if (rest.some((part) => typeof part === "object")) {
    throw invalid(`${text} refers to a message; resolve it first`);
  }
  if (rest.some((part) => typeof part === "number" && part > LARGEST_INDEX)) {
    throw invalid(`${text} has an index above ${LARGEST_INDEX}`);
  }
  return { text, field: String(field), rest };
}

/** The part of a field's value that a key names; undefined where there is none. */
export function pick(key: ContextKey, value: unknown): unknown {
  if (key.rest.length === 0 || value === undefined) return value;
  try {
    return util.getObjectProperty({ [key.field]: value }, key.text);
  } catch {
    return undefined;
  }
}

/** What a nested key creates where nothing is: an array when an index follows, else an object. */
export function emptyFor(key: ContextKey): object {
  return typeof key.rest[0] === "number" ? [] : {};
}

/** Sets or, by `undefined`, deletes below the value of a field; returns the new value of the field. */
export function edit(key: ContextKey, value: unknown, part: unknown): unknown {
  const holder = { [key.field]: value };
  if (!leadsThroughPlain(value, key.rest)) util.setObjectProperty(holder, key.text, part);
  asInJson(holder[key.field], key.rest);
  return holder[key.field];
}

/**
 * True where a path goes on below null, a text or a number: there is nothing to set or to delete. Node-RED
 * sees that in objects only, and would step into one that stands in a list.
 */
function leadsThroughPlain(value: unknown, path: readonly (string | number)[]): boolean {
  let at = value;
  for (const step of path) {
    if (at === undefined) return false;
    if (at === null || typeof at !== "object") return true;
    at = Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined;
  }
  return false;
}

/** Arrays along a path at once become what JSON makes of them: gaps are null, names are lost. */
function asInJson(value: unknown, path: readonly (string | number)[]): void {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== "object") return;
    if (Array.isArray(at)) {
      if (typeof step === "string" && !/^\d+$/.test(step)) Reflect.deleteProperty(at, step);
      for (let index = 0; index < at.length; index++) if (!(index in at)) at[index] = null;
    }
    at = (at as Record<string | number, unknown>)[step];
  }
}
