/** The operations of the script, built from scopes and keys. */
import type { Encoded } from "./encoding.ts";
import type { StoredField } from "./patches.ts";
import type { ContextKey } from "./path.ts";

/** One operation of a call. */
export interface Operation {
  readonly kind:
    | "get"
    | "keys"
    | "scopes"
    | "set"
    | "remove"
    | "patch"
    | "fold"
    | "mark"
    | "drop"
    | "beat";
  readonly scope: string;
  /** Empty for operations on a whole scope. */
  readonly field: string;
  /** What the script gets, four at most. */
  readonly arguments: readonly Encoded[];
  /** True when the store is changed. */
  readonly writes: boolean;
  /** True when it is not sent again once it was answered: it was for what was there then. */
  readonly once?: boolean;
}

const reading = (kind: Operation["kind"], scope: string, field = ""): Operation => ({
  kind,
  scope,
  field,
  arguments: [field],
  writes: false,
});

const writing = (
  kind: Operation["kind"],
  scope: string,
  field: string,
  ...rest: Encoded[]
): Operation => ({ kind, scope, field, arguments: [field, ...rest], writes: true });

/** Reads a field: base and patches. */
export const get = (scope: string, field: string) => reading("get", scope, field);
/** Names of a scope's fields. */
export const keys = (scope: string) => reading("keys", scope);
/** Names of all scopes. */
export const scopes = () => reading("scopes", "");
/** Replaces a field. */
export const set = (scope: string, field: string, value: Encoded) =>
  writing("set", scope, field, value, scope);
/** Deletes a field. */
export const remove = (scope: string, field: string) => writing("remove", scope, field, "", scope);
/** Changes a part of a field. `empty`: what to begin with where the field is not there. */
export const patch = (scope: string, key: ContextKey, part: Encoded, empty: Encoded) =>
  writing("patch", scope, key.field, part, scope, empty);
/** Replaces the first patches of a field, as they were read, by their result. */
export const fold = (scope: string, field: string, base: Encoded, { patches }: StoredField) =>
  writing("fold", scope, field, base, String(patches.length), patches.at(-1) ?? "");
/** Marks a scope until somebody writes to it, or marks it otherwise. */
export const mark = (scope: string, text: Encoded): Operation => ({
  ...writing("mark", scope, "", text, scope),
  once: true,
});
/** Deletes a scope with all that is in it. With a mark: only where it still is. */
export const drop = (scope: string, marked: Encoded = ""): Operation => ({
  ...writing("drop", scope, "", "", scope, marked),
  once: marked.length > 0,
});

/** Changes nothing, and is announced. */
export const beat = () => writing("beat", "", "");

/** Keys of an operation: the hash of its scope, and the list of its field's patches. */
export function keysOf(prefix: string, { scope, field }: Operation): [hash: string, log: string] {
  // The length keeps apart what a scope and a field with the same letters would mix up.
  const log = `${prefix}patches:${Buffer.byteLength(scope)}:${scope}:${field}`;
  return [`${prefix}context:${scope}`, log];
}

/** What reading a field gave; undefined when it is not there. */
export function fieldOf(answer: unknown): StoredField | undefined {
  const [base, patches] = answer as [Buffer | null, Buffer[]];
  return base === null ? undefined : { base, patches };
}
