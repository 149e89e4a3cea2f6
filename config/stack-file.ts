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
import { didYouMean, nearest } from "./hints.ts";
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
  if (raw.fatal) return sortProblems(raw.problems);
  const file = readFile(text);
  const stray = strayKeys(file);
  // A misspelt key is the whole problem: that the right one is missing says it again.
  const isMisspelt = stray.length > 0 && file.config?.[PLATFORM] === undefined;
  const checked = isMisspelt ? [] : checkPlatform(file.config ?? {}, stack);
  // So does what a key that YAML misreads leads to.
  const isSaid = (path: string) =>
    raw.misread.some((key) => path === key || path.startsWith(`${key}.`));
  return sortProblems([...raw.problems, ...stray, ...checked.filter(({ path }) => !isSaid(path))]);
}

function checkPlatform(config: Config, stack: string): readonly Problem[] {
  const secretNames = Object.keys(config[SECRETS] ?? {});
  return parsePlatform(config[PLATFORM], { stack, secretNames }).problems;
}

/** Keys that look like ours and are not: Pulumi would pass them over without a word. */
function strayKeys({ config, ...top }: StackFile): Problem[] {
  const ours = [PLATFORM, SECRETS];
  const stray = Object.keys(config ?? {}).filter((key) => !ours.includes(key));
  return [
    ...stray
      .filter((key) => key.startsWith("redfleet:") || nearest(key, ours) !== undefined)
      .map((key) => unknownKey(`config.${key}`, key, ours)),
    ...(config === undefined ? Object.keys(top) : [])
      .filter((key) => nearest(key, ["config"]) !== undefined)
      .map((key) => unknownKey(key, key, ["config"])),
  ];
}

function unknownKey(path: string, key: string, known: readonly string[]): Problem {
  const fix = didYouMean(key, known);
  return { code: "REDFLEET_CFG_UNKNOWN_KEY", path, rule: "unknown key", fix };
}

/** What the text alone tells. */
interface Raw {
  problems: Problem[];
  /** There is no tree to look at. */
  fatal: boolean;
  /** Paths of keys that YAML reads as something else, as it reads them. */
  misread: string[];
}

function rawProblems(text: string): Raw {
  const size = Buffer.byteLength(text);
  if (size > MAX_BYTES) return stop("REDFLEET_CFG_TOO_LARGE", `${size} bytes`, "at most 1 MB");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  const line = (offset: number | undefined) => lines.linePos(offset ?? 0).line;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => noYaml(message, line(pos[0])));
    return { problems, fatal: true, misread: [] };
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
  const raw: Raw = { problems: [], fatal: false, misread: [] };
  visit(document, {
    Map: (_, map, ancestors) => {
      const parent = pathOf(ancestors);
      raw.problems.push(...keyProblems(map, parent, line));
      raw.misread.push(...misreadKeys(map).map((key) => [...parent, key].join(".")));
    },
  });
  return raw;
}

/** @param message what the parser says, with the place in it and the text below it */
function noYaml(message: string, line: number): Problem {
  const rule = (message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
  return { code: "REDFLEET_CFG_YAML", path: "(file)", rule, fix: "correct the YAML", line };
}

function stop(code: ProblemCode, got: string | undefined, rule: string, line?: number): Raw {
  const fix = code === "REDFLEET_CFG_YAML" ? "correct the YAML" : "make it smaller";
  return { problems: [{ code, path: "(file)", got, rule, fix, line }], fatal: true, misread: [] };
}

type Config = Record<string, Record<string, unknown> | undefined>;

/** A stack file whose text is in order. */
type StackFile = Record<string, unknown> & { config?: Config };

function readFile(text: string): StackFile {
  const data = parseDocument(text, { uniqueKeys: false }).toJS({ maxAliasCount: MAX_ALIASES });
  return (data as StackFile | null) ?? {};
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

const misread = (type: string | undefined, written: string) =>
  type === "PLAIN" && needsQuotes(written);

/** True for a key that some YAML reader turns into something else (`no`, `08`, `1e3`, `~`). */
export function needsQuotes(written: string): boolean {
  return (
    /^(y|n|yes|no|on|off|true|false|null|~)$/i.test(written) ||
    /^[-+]?[\d.][\d_.,]*(e[-+]?\d+)?$/i.test(written) ||
    /^0[xo][\da-f]+$/i.test(written)
  );
}

/** What YAML makes of a map's misread keys: `8` of `08`, nothing of `~`. */
function misreadKeys({ items }: YAMLMap): string[] {
  return items.flatMap(({ key }) => {
    if (!isScalar(key) || !misread(key.type, key.source ?? String(key.value))) return [];
    return [String(key.value ?? "")];
  });
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
