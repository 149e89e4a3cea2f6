/**
 * A field's value is a base and a list of patches. A nested change adds a patch, so it costs the same
 * whatever the size of the value; whoever reads applies the patches in their order.
 */
import { decode, type Encoded, encode } from "./encoding.ts";
import { edit, parseKey } from "./path.ts";

/** A field as it is stored. */
export interface StoredField {
  readonly base: Buffer;
  readonly patches: readonly Buffer[];
}

/** `[id, key, value]`, or `[id, key]` for a deletion. The id makes each patch different from all others. */
type Patch = [id: string, key: string, value?: unknown];

/** The form of a patch. */
export function encodePatch(id: string, key: string, value: unknown): Encoded {
  const patch: Patch = value === undefined ? [id, key] : [id, key, value];
  return encode(patch);
}

/** The value of a stored field. */
export function fieldValue({ base, patches }: StoredField): unknown {
  const all = patches.map((bytes) => decode(bytes) as Patch);
  let value = decode(base);
  all.forEach(([, key, part], index) => {
    if (!isReplaced(all[index] as Patch, all[index + 1])) value = edit(parseKey(key), value, part);
  });
  return value;
}

/**
 * A part that is set anew at once leaves nothing behind: a counter's patches cost a reader one edit. The length of
 * an array does: a shorter one has cut it off.
 */
function isReplaced(patch: Patch, next: Patch | undefined): boolean {
  const isSetAnew =
    next !== undefined && patch.length === 3 && next.length === 3 && patch[1] === next[1];
  return isSetAnew && parseKey(patch[1]).rest.at(-1) !== "length";
}
