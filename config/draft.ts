import type { Problem } from "./errors.ts";
import { knownKeys } from "./known-keys.ts";
import { toProblems, valueAt } from "./problems.ts";
import { Platform, type PlatformConfig } from "./schema.ts";

/** What stands in for an unusable value without a default, so that all other rules can still speak. */
function standIn(path: readonly PropertyKey[]): string | undefined {
  const [section, , field] = path;
  if (section === "domain" && path.length === 1) return "redfleet.invalid";
  return section === "tenants" && field === "template" && path.length === 3
    ? "nodered-5"
    : undefined;
}

/** What could be read of an input, and every problem of its shape. */
export interface Draft {
  readonly config: PlatformConfig;
  readonly problems: Problem[];
}

/**
 * Parses as far as possible: what breaks its own rule is reported, cut out and replaced by its default,
 * so that the rules across fields run too and one answer names everything that is wrong.
 */
export function readDraft(input: unknown): Draft {
  let data = structuredClone(isMap(input) ? input : {});
  const problems: Problem[] = isMap(input) ? [] : [notAMap(input)];
  // Each round removes at least one value; a round without issues ends it.
  for (;;) {
    const parsed = Platform.safeParse(data);
    if (parsed.success) return { config: parsed.data, problems };
    const said = new Set(problems.map(({ path }) => path));
    const found = toProblems(parsed.error.issues, data, knownKeys);
    problems.push(...found.filter(({ path }) => !said.has(path)));
    data = parsed.error.issues.reduce(cut, data);
  }
}

type Data = Record<string, unknown>;
type Issue = { code?: string; path: readonly PropertyKey[]; keys?: readonly string[] };

/** Removes what an issue is about; where something is missing, the entry that misses it. */
function cut(data: Data, issue: Issue): Data {
  const value = standIn(issue.path);
  if (value !== undefined) {
    put(data, issue.path, value);
    return data;
  }
  const paths = (issue.keys ?? []).map((key) => [...issue.path, key]);
  for (const path of paths.length > 0 ? paths : [existing(data, issue.path)]) remove(data, path);
  return data;
}

function existing(data: Data, path: readonly PropertyKey[]): readonly PropertyKey[] {
  if (path.length <= 1 || valueAt(data, path) !== undefined) return path;
  return existing(data, path.slice(0, -1));
}

function put(data: Data, path: readonly PropertyKey[], value: string): void {
  const holder = valueAt(data, path.slice(0, -1));
  if (isMap(holder)) holder[String(path.at(-1))] = value;
}

function remove(data: Data, path: readonly PropertyKey[]): void {
  const holder = valueAt(data, path.slice(0, -1));
  const key = path.at(-1);
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (isMap(holder) && key !== undefined) delete holder[String(key)];
}

function isMap(value: unknown): value is Data {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function notAMap(input: unknown): Problem {
  return {
    code: "REDFLEET_CFG_TYPE",
    path: "",
    got: input === undefined ? undefined : JSON.stringify(input),
    rule: "the platform is a map of settings",
    fix: "put domain, clusters and tenants under redfleet:platform",
  };
}
