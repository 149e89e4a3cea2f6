import type { z } from "zod";
import { type Problem, type ProblemCode, show } from "./errors.ts";
import { didYouMean } from "./hints.ts";
import { own } from "./own.ts";

const SEPARATOR = "\u001f";

/** What a schema says when a value breaks it: code, rule and fix travel in zod's message. */
export function says(code: ProblemCode, rule: string, fix: string): string {
  return [code, rule, fix].join(SEPARATOR);
}

/** The keys that a place in the schema knows: for `did you mean`. */
export type KnownKeys = (path: readonly PropertyKey[]) => readonly string[];

/** Zod's issues as problems; one unknown key each. `input` gives the values that zod leaves out. */
export function toProblems(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  known: KnownKeys,
): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return unknownKeys(issue, known(issue.path));
    return [oneProblem(issue, input)];
  });
}

/** The value at a path of plain data. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    input,
  );
}

/** `tenants.acme.aliases.0`. */
export function joinPath(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

function unknownKeys(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  candidates: readonly string[],
): Problem[] {
  return issue.keys.map((key) => {
    const path = joinPath([...issue.path, key]);
    const fix = RETIRED.find(({ place }) => place.test(path))?.fix ?? didYouMean(key, candidates);
    return { code: "REDFLEET_CFG_UNKNOWN_KEY", path, rule: "unknown key", fix };
  });
}

/** Keys that earlier versions knew, and what to do about them. */
const RETIRED: readonly { readonly place: RegExp; readonly fix: string }[] = [
  {
    place: /^clusters\.[^.]+\.protect$/,
    fix: "remove it: the secret stays with the cluster's data until confirmDestroy erases both",
  },
];

function oneProblem(issue: z.core.$ZodIssue, input: unknown): Problem {
  const value = valueAt(input, issue.path);
  const place = { path: joinPath(issue.path), got: show(value) };
  const said = issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message;
  const [code, rule, fix] = (said ?? "").split(SEPARATOR);
  if (issue.code === "invalid_type" && value === undefined) return missing(issue, place.path, fix);
  if (rule !== undefined && fix !== undefined) {
    const got = issue.code === "invalid_key" ? show(issue.path.at(-1)) : place.got;
    return { code: code as ProblemCode, path: place.path, got, rule, fix };
  }
  return { ...place, ...generic(issue) };
}

function missing(issue: z.core.$ZodIssueInvalidType, path: string, fix?: string): Problem {
  const rule = `required (${typeOf(issue.expected).name})`;
  return { code: "REDFLEET_CFG_MISSING", path, rule, fix: fix ?? "add it" };
}

interface Type {
  readonly name: string;
  readonly fix: string;
}

const MAP: Type = { name: "a map", fix: "write its keys below it, or {} for none" };

/** zod's types as people call them, and how a value of each is written in the stack file. */
const TYPES: Readonly<Record<string, Type>> = {
  array: { name: "a list", fix: "write a list: [one, two], or a line `- one` for each" },
  object: MAP,
  record: MAP,
  string: { name: "a text", fix: "write a text, in quotes where it looks like something else" },
  number: { name: "a number", fix: "write a number, without quotes" },
  int: { name: "a whole number", fix: "write one without a fraction" },
  boolean: { name: "true or false", fix: "write it without quotes" },
};

const typeOf = (expected: string): Type =>
  own(TYPES, expected) ?? { name: expected, fix: "change it" };

/** Rule and fix for what the schema says without words of ours. */
function generic(issue: z.core.$ZodIssue): Pick<Problem, "code" | "rule" | "fix"> {
  switch (issue.code) {
    case "invalid_value":
      return oneOf(issue.values);
    case "too_small":
      return outside(`at least ${issue.minimum}${unitOf(issue)}`);
    case "too_big":
      return outside(`at most ${issue.maximum}${unitOf(issue)}`);
    case "invalid_type": {
      const { name, fix } = typeOf(issue.expected);
      return { code: "REDFLEET_CFG_TYPE", rule: name, fix };
    }
    case "invalid_union": {
      const values = allowed(issue);
      if (values !== undefined) return oneOf(values);
      break;
    }
  }
  return { code: "REDFLEET_CFG_VALUE", rule: issue.message, fix: "change it" };
}

function oneOf(values: readonly unknown[]): Pick<Problem, "code" | "rule" | "fix"> {
  const written = values.map((value) => JSON.stringify(value)).join(", ");
  return { code: "REDFLEET_CFG_VALUE", rule: `one of ${written}`, fix: "choose one of them" };
}

/** What a union of fixed values allows; undefined for any other union. */
function allowed({ errors }: z.core.$ZodIssueInvalidUnion): unknown[] | undefined {
  const branches = errors.map(([first, ...more]) =>
    first?.code === "invalid_value" && more.length === 0 ? first.values : undefined,
  );
  return branches.length > 0 && branches.every((values) => values !== undefined)
    ? branches.flat()
    : undefined;
}

const unitOf = ({ origin }: { origin: string }) => (origin === "string" ? " characters" : "");

function outside(rule: string): Pick<Problem, "code" | "rule" | "fix"> {
  return { code: "REDFLEET_CFG_VALUE", rule, fix: "change it" };
}
