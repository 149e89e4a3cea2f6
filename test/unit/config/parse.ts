import { expect, test } from "vitest";
import { formatProblem, sortProblems } from "../../../config/errors.ts";
import { parsePlatform } from "../../../config/parse.ts";

/** A configuration without problems, for cases that change one thing. */
export const VALID = {
  domain: "fleet.example.org",
  dev: true,
  clusters: { main: {} },
  tenants: { acme: { template: "nodered-5" }, globex: { template: "nodered-4" } },
};

/** Problems of a platform as the lines that people read. */
export function problemsOf(platform: unknown, secretNames: string[] = [], stack = "dev"): string[] {
  const { problems } = parsePlatform(platform, { stack, secretNames });
  return sortProblems(problems).map(formatProblem);
}

/** The valid configuration with sections replaced. */
export function withSections(sections: Record<string, unknown>): unknown {
  return { ...VALID, ...sections };
}

/** The valid configuration whose tenant `acme` has these fields too. */
export function withTenant(fields: Record<string, unknown>): unknown {
  return withSections({ tenants: { acme: { template: "nodered-5", ...fields } } });
}

/** What is wrong, the platform, and the whole lines that people get. */
export type Case = readonly [what: string, platform: unknown, ...lines: string[]];

/** One test a case: these lines, and nothing else, are said. */
export function badInput(cases: readonly Case[], secretNames: string[] = []): void {
  test.each(cases)("%s", (_, platform, ...lines) => {
    expect(problemsOf(platform, secretNames)).toEqual(lines);
  });
}
