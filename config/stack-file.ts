import {
  type Alias,
  type Document,
  isScalar,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { type Problem, type ProblemCode, sortProblems } from "./errors.ts";
import { parsePlatform } from "./parse.ts";

/** A stack file is a page or two of text; more is a mistake or an attack. */
const MAX_BYTES = 1_000_000;
/** How often aliases may be used: enough for people, too few for a file that expands without bound. */
const MAX_ALIASES = 100;

const ALIAS_RULE = "an alias names an anchor that stands before it and not around it";

/** Where Redfleet's keys are in a stack file. */
const PLATFORM = "redfleet:platform";
const SECRETS = "redfleet:secrets";

/**
 * Everything that is wrong with a stack file, without Pulumi: the text itself first, where Pulumi's own
 * parser would hide or misread it, then schema and rules. An empty list means `pulumi up` accepts it.
 * @param text the file as it is
 * @param stack the stack's name
 */
export function checkStackFile(text: string, stack: string): Problem[] {
  const raw = rawProblems(text);
  const data = raw.fatal ? undefined : readConfig(text);
  const checked =
    data === undefined
      ? []
      : parsePlatform(data[PLATFORM], { stack, secretNames: Object.keys(data[SECRETS] ?? {}) })
          .problems;
  return sortProblems([...raw.problems, ...checked]);
}

/** What the text alone tells. `fatal` when there is no tree to look at. */
export function rawProblems(text: string): { problems: Problem[]; fatal: boolean } {
  const size = Buffer.byteLength(text);
  if (size > MAX_BYTES) return stop("REDFLEET_CFG_TOO_LARGE", `${size} bytes`, "at most 1 MB");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  const line = (offset: number | undefined) => lines.linePos(offset ?? 0).line;
  const [error] = document.errors;
  if (error !== undefined) {
    return stop(
      "REDFLEET_CFG_YAML",
      undefined,
      error.message.split("\n")[0] ?? "",
      line(error.pos[0]),
    );
  }
  if (countAliases(document) > MAX_ALIASES) {
    const got = `${countAliases(document)} aliases`;
    return stop("REDFLEET_CFG_TOO_LARGE", got, `at most ${MAX_ALIASES} aliases`);
  }
  const bad = badAlias(document);
  if (bad !== undefined) {
    return stop("REDFLEET_CFG_YAML", `*${bad.source}`, ALIAS_RULE, line(bad.range?.[0]));
  }
  if (expands(document)) {
    return stop("REDFLEET_CFG_TOO_LARGE", "aliases of aliases", "a file that stays small");
  }
  const problems: Problem[] = [];
  visit(document, {
    Map: (_, map, ancestors) => {
      problems.push(...keyProblems(map, pathOf(ancestors), line));
    },
  });
  return { problems, fatal: false };
}

function stop(code: ProblemCode, got: string | undefined, rule: string, line?: number) {
  const fix = code === "REDFLEET_CFG_YAML" ? "correct the YAML" : "make it smaller";
  return { problems: [{ code, path: "(file)", got, rule, fix, line }], fatal: true };
}

/** The `config` map of a file whose text is in order. */
function readConfig(text: string): Record<string, Record<string, unknown> | undefined> {
  const data = parseDocument(text, { uniqueKeys: false }).toJS({ maxAliasCount: MAX_ALIASES });
  return (data as { config?: Record<string, Record<string, unknown>> } | null)?.config ?? {};
}

type LineOf = (offset: number | undefined) => number;

/** Keys written twice, and keys that YAML does not read as the text that stands there. */
function keyProblems(map: YAMLMap, parent: string[], line: LineOf): Problem[] {
  const first = new Map<string, number>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const written = key.source ?? String(key.value);
    const at = line(key.range?.[0]);
    const path = [...parent, written].join(".");
    const before = first.get(written);
    if (before === undefined) first.set(written, at);
    return [
      ...(before === undefined ? [] : [duplicate(path, written, before, at)]),
      ...(misread(key.type, written) ? [unquoted(path, written, at)] : []),
    ];
  });
}

function duplicate(path: string, got: string, before: number, line: number): Problem {
  const rule = `a key stands once: first at line ${before}, again at line ${line}`;
  return { code: "REDFLEET_CFG_DUPLICATE_KEY", path, got, rule, fix: "remove one of them", line };
}

function unquoted(path: string, got: string, line: number): Problem {
  const rule = "YAML 1.1 or 1.2 reads this key as a number, a boolean or nothing";
  const fix = `quote it: ${JSON.stringify(got)}`;
  return { code: "REDFLEET_CFG_UNQUOTED_KEY", path, got, rule, fix, line };
}

/** Plain keys that some YAML reader turns into something else (`no`, `08`, `1e3`, `~`). */
function misread(type: string | undefined, written: string): boolean {
  if (type !== "PLAIN") return false;
  return (
    /^(y|n|yes|no|on|off|true|false|null|~)$/i.test(written) ||
    /^[-+]?[\d.][\d_.,]*(e[-+]?\d+)?$/i.test(written) ||
    /^0[xo][\da-f]+$/i.test(written)
  );
}

/** The first alias whose anchor is nowhere before it, or around it: no tree can be made of either. */
function badAlias(document: Document.Parsed): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias: (_, alias, ancestors) => {
      const anchored = alias.resolve(document);
      if (anchored !== undefined && !ancestors.includes(anchored)) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

/** True if few aliases still make a large tree: the parser refuses to build it. */
function expands(document: Document.Parsed): boolean {
  try {
    document.toJS({ maxAliasCount: MAX_ALIASES });
    return false;
  } catch (error) {
    if (error instanceof ReferenceError) return true;
    throw error;
  }
}

function countAliases(document: Document.Parsed): number {
  let aliases = 0;
  visit(document, { Alias: () => void aliases++ });
  return aliases;
}

/** Keys above a map, without the stack file's own `config` and `redfleet:platform`. */
function pathOf(ancestors: readonly unknown[]): string[] {
  const keys = ancestors
    .filter((node): node is Pair => typeof node === "object" && node !== null && "key" in node)
    .map(({ key }) => (isScalar(key) ? (key.source ?? String(key.value)) : "?"));
  return keys[0] === "config" && keys[1] === PLATFORM ? keys.slice(2) : keys;
}
