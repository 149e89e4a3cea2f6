import { configReference } from "../../../config/docs.ts";

/** Every key of a stack file, as the reference names them: `clusters.<key>.host`. */
export function referenceKeys(): string[] {
  const [table = ""] = configReference().split("\n## ");
  return [...table.matchAll(/^\| `([^`]+)` /gm)].flatMap(([, key]) => key ?? []);
}

/** The keys that a platform gives, by their names in the reference. */
export function givenKeys(platform: unknown, known: ReadonlySet<string>, prefix = ""): string[] {
  if (typeof platform !== "object" || platform === null || Array.isArray(platform)) return [];
  return Object.entries(platform).flatMap(([name, value]) => {
    const key = known.has(prefix + name) ? prefix + name : `${prefix}<key>`;
    return [key, ...givenKeys(value, known, `${key}.`)];
  });
}
