import { withoutPasswords } from "./passwords.ts";

/**
 * Codes of configuration problems. They are stable: people search for them and scripts match them.
 * The text says what the code stands for; the problem itself carries value, rule and fix.
 */
export const CODES = {
  REDFLEET_CFG_TYPE: "a value of another type was expected",
  REDFLEET_CFG_MISSING: "a required key is missing",
  REDFLEET_CFG_UNKNOWN_KEY: "a key that Redfleet does not know",
  REDFLEET_CFG_VALUE: "the value is outside what the field allows",
  REDFLEET_CFG_NAME: "a key or name that cannot become a container, DNS or database name",
  REDFLEET_CFG_RESERVED_NAME: "a host label that the platform keeps for itself",
  REDFLEET_CFG_DOMAIN: "not a bare DNS name",
  REDFLEET_CFG_HOST_TAKEN: "two routes claim the same host name",
  REDFLEET_CFG_HOST_LENGTH: "a host name longer than DNS allows",
  REDFLEET_CFG_MEMORY: "a memory size without unit or outside its bounds",
  REDFLEET_CFG_CPUS: "a CPU share that is not a positive number or outside its bounds",
  REDFLEET_CFG_CAPACITY: "the limits add up to more memory than the host has",
  REDFLEET_CFG_TEMPLATE: "no such template, or a template that contradicts itself",
  REDFLEET_CFG_IMAGE:
    "a template's image that is not made from the platform's, or that the engine's classic builder cannot make",
  REDFLEET_CFG_MEMBERS: "a member count that cannot elect a primary",
  REDFLEET_CFG_SENTINEL: "a Sentinel setting that cannot fail over",
  REDFLEET_CFG_EXTERNAL: "an external store that contradicts itself or cannot be reached by all",
  REDFLEET_CFG_REPLICAS: "a replica count that cannot serve",
  REDFLEET_CFG_ENV_NAME: "not a usable environment variable name",
  REDFLEET_CFG_ENV_RESERVED: "an environment variable that the platform sets itself",
  REDFLEET_CFG_ENV_TWICE: "a variable that is given twice",
  REDFLEET_CFG_INLINE_SECRET: "a secret written in clear",
  REDFLEET_CFG_SECRET_MISSING: "a reference to a secret that the stack does not have",
  REDFLEET_CFG_PORT: "a port that is invalid or used twice",
  REDFLEET_CFG_MODULE: "not an exact npm package, or not a pattern of package names",
  REDFLEET_CFG_REGISTRY: "an npm registry that cannot be used",
  REDFLEET_CFG_ADDRESS: "not an IPv4 address of the host",
  REDFLEET_CFG_TLS: "certificate files that cannot serve this platform",
  REDFLEET_CFG_PATH_PREFIX: "a path prefix that the platform needs itself",
  REDFLEET_CFG_SUBNET: "a subnet that cannot carry the data network",
  REDFLEET_CFG_RENAME: "a rename that gives one identity to two, or to none",
  REDFLEET_CFG_DESTROY:
    "a destruction that was not asked for, or asked for something that is in use",
  REDFLEET_CFG_STACK_NAME: "a stack name that cannot start the names of its objects",
  REDFLEET_CFG_DUPLICATE_KEY: "a YAML key that is written twice",
  REDFLEET_CFG_UNQUOTED_KEY: "a YAML key that is not read as text",
  REDFLEET_CFG_TOO_LARGE: "a stack file that is too large or expands without bound",
  REDFLEET_CFG_YAML: "text that is not YAML",
} as const;

export type ProblemCode = keyof typeof CODES;

/** One thing that is wrong with a configuration. Reads as `path: got X; rule; fix`. */
export interface Problem {
  readonly code: ProblemCode;
  /** Where, from the root of the platform object: `tenants.acme.memory`. Empty for the whole. */
  readonly path: string;
  /** The value found, ready for display; absent when nothing was there. */
  readonly got?: string;
  /** What holds for this place. */
  readonly rule: string;
  /** What to do about it. */
  readonly fix: string;
  /** Line in the stack file, counted from 1, where it is known. */
  readonly line?: number;
}

/** Thrown with every problem at once; its message is ready to print. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], source = "the stack configuration") {
    super(formatProblems(problems, source));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** One line per problem: `path: got X; rule; fix (CODE)`. */
export function formatProblem(problem: Problem): string {
  const got = problem.got === undefined ? "" : `got ${problem.got}; `;
  const line = problem.line === undefined ? "" : ` (line ${problem.line})`;
  // A key may hold anything: a line break or an escape of the terminal would forge a message.
  const path = problem.path.replaceAll(/\p{Cc}/gu, (sign) => JSON.stringify(sign).slice(1, -1));
  return `${path || "(whole)"}${line}: ${got}${problem.rule}; ${problem.fix} [${problem.code}]`;
}

/** Heading and all problems, sorted by path so that two runs print the same. */
export function formatProblems(problems: readonly Problem[], source: string): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = sortProblems(problems).map((problem) => `  ${formatProblem(problem)}`);
  return [`${count} in ${source}:`, ...lines].join("\n");
}

/** Sorted by path, then text, without exact repeats. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const byText = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...byText.entries()]
    .sort(([a, { path: x }], [b, { path: y }]) => compare(x, y) || compare(a, b))
    .map(([, problem]) => problem);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A value as it may stand in a message: JSON without passwords of addresses, cut at 60 characters. */
export function show(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = withoutPasswords(JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
