import { X509Certificate } from "node:crypto";
import { moduleName } from "../../images/node-red/runtime/environment.ts";
import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { missingSecret, problem, type Rule, type RuleContext } from "./rule.ts";

/** Modules are named once, and the registry's files and secrets are there. */
export const moduleRules: Rule = (config, context) => {
  const { clusters, templates, tenants, registry } = config;
  const holders = Object.entries({ clusters, templates, tenants }).flatMap(([kind, map]) =>
    sortedEntries<{ modules: readonly string[] }>(map).map(([key, { modules }]) => ({
      ...{ path: `${kind}.${key}.modules`, modules },
    })),
  );
  return [
    ...holders.flatMap(({ path, modules }) => twice(path, modules)),
    ...(registry === undefined
      ? []
      : [...authority(registry, context), ...token(registry, context)]),
  ];
};

function twice(path: string, modules: readonly string[]): Problem[] {
  const names = modules.map(moduleName);
  return modules.flatMap((spec, index) => {
    const first = names.indexOf(names[index] as string);
    if (first === index) return [];
    const rule = `already at ${path}.${first}`;
    return [problem("REDFLEET_CFG_MODULE", `${path}.${index}`, spec, rule, "keep one of them")];
  });
}

function authority({ ca }: { ca?: string }, { readFile }: RuleContext): Problem[] {
  if (ca === undefined) return [];
  const wrong = (rule: string, fix: string) => [
    problem("REDFLEET_CFG_REGISTRY", "registry.ca", ca, rule, fix),
  ];
  let pem: string;
  try {
    pem = readFile(ca);
  } catch {
    return wrong("a readable PEM file", "check the path");
  }
  try {
    new X509Certificate(pem);
    return [];
  } catch {
    return wrong("a PEM certificate", "convert it to PEM");
  }
}

function token(
  { url, tokenSecret }: { url: string; tokenSecret?: string },
  context: RuleContext,
): Problem[] {
  if (tokenSecret === undefined) return [];
  const path = "registry.tokenSecret";
  const problems: Problem[] = [];
  if (url.startsWith("http:")) {
    const rule = "a token travels over https only";
    const fix = "use an https URL for the registry, or no token";
    problems.push(problem("REDFLEET_CFG_REGISTRY", path, tokenSecret, rule, fix));
  }
  return [...problems, ...missingSecret(path, tokenSecret, context)];
}
