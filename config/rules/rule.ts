import { type Problem, type ProblemCode, show } from "../errors.ts";
import type { PlatformConfig } from "../schema.ts";

/** What a rule may look at beside the platform itself. */
export interface RuleContext {
  readonly stack: string;
  /** Keys in `redfleet:secrets`; `undefined` when nobody can know them. */
  readonly secretNames: readonly string[] | undefined;
  /** Reads a file that the configuration names; throws when it cannot. */
  readonly readFile: (path: string) => string;
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
