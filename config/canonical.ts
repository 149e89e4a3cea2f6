/**
 * The one JSON writer for everything that ends in an environment, a label or a file: keys sorted, no
 * white space, `undefined` left out. The same value gives the same text, so a diff shows only changes.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** Entries of a map in key order; the program never walks a map in the order it was written. */
export function sortedEntries<T>(map: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    sortedEntries(value as Record<string, unknown>).map(([key, inner]) => [key, sorted(inner)]),
  );
}
