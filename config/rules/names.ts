import type { Problem } from "../errors.ts";
import { KEY_PATTERN, KEY_RULE, stackNameProblem } from "../names.ts";
import { problem, type Rule } from "./rule.ts";

/** Keys that become container, DNS and database names; and the stack's own name. */
export const nameRules: Rule = (config, context) => [
  ...stackName(context.stack),
  ...keys("clusters", config.clusters),
  ...keys("templates", config.templates),
  ...keys("tenants", config.tenants),
];

function keys(section: string, map: Readonly<Record<string, unknown>>): Problem[] {
  return Object.keys(map)
    .filter((key) => !KEY_PATTERN.test(key))
    .map((key) => problem("REDFLEET_CFG_NAME", `${section}.${key}`, key, KEY_RULE, fixFor(key)));
}

function fixFor(key: string): string {
  if (key.length > 40) return `too long by ${key.length - 40}`;
  const tamed = key
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return KEY_PATTERN.test(tamed) ? `use ${JSON.stringify(tamed)}` : "choose another name";
}

function stackName(stack: string): Problem[] {
  const rule = stackNameProblem(stack);
  if (rule === undefined) return [];
  return [problem("REDFLEET_CFG_STACK_NAME", "(stack)", stack, rule, "choose another stack name")];
}
