/**
 * The value under a key that a person has chosen: only what the map itself holds, so that a tenant or
 * template called `constructor` is a name like any other.
 */
export function own<T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}
