import { type Problem, type ProblemCode, show } from "../errors.ts";
import { didYouMean } from "../hints.ts";
import { hasPassword } from "../passwords.ts";
import type { PlatformConfig } from "../schema.ts";

/** What a rule may look at beside the platform itself. */
export interface RuleContext {
  readonly stack: string;
  /** Keys in `redfleet:secrets`; `undefined` when nobody can know them. */
  readonly secretNames: readonly string[] | undefined;
  /** Reads a file that the configuration names; throws when it cannot. */
  readonly readFile: (path: string) => string;
  /** True where the stack file itself says something, not a default. */
  readonly given: (path: readonly string[]) => boolean;
}

/** A rule across fields: looks, and names what is wrong. Never throws. */
export type Rule = (config: PlatformConfig, context: RuleContext) => Problem[];

/** Builds a problem. `got` is shown as JSON. */
export function problem(
  code: ProblemCode,
  path: string,
  got: unknown,
  rule: string,
  fix: string,
): Problem {
  return { code, path, got: show(got), rule, fix };
}

/** The command that asks for a secret and keeps it. */
const setSecret = (key: string, stack: string): string =>
  `npx pulumi config set --secret --path 'redfleet:secrets.${key}' --stack ${stack}`;

/** What is wrong with a reference to a key in `redfleet:secrets`: nothing, or that there is none. */
export function missingSecret(
  path: string,
  name: string,
  { stack, secretNames: known }: RuleContext,
): Problem[] {
  if (hasPassword(name)) {
    const rule = "the name of a key in redfleet:secrets, not the secret itself";
    const fix = `put it there with ${setSecret("<key>", stack)}, and write its key here`;
    return [problem("REDFLEET_CFG_INLINE_SECRET", path, undefined, rule, fix)];
  }
  if (known === undefined || known.includes(name)) return [];
  const rule = "no such key in redfleet:secrets";
  const set = setSecret(name, stack);
  const fix = known.length > 0 ? `${didYouMean(name, known)} or: ${set}` : set;
  return [problem("REDFLEET_CFG_SECRET_MISSING", path, name, rule, fix)];
}
