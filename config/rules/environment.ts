import { isReservedVariable, VARIABLE_NAME } from "../../images/node-red/runtime/environment.ts";
import { sortedEntries } from "../canonical.ts";
import { insteadOf, isSecretValue, looksSecret } from "../environment.ts";
import type { Problem } from "../errors.ts";
import { missingSecret, problem, type Rule, type RuleContext } from "./rule.ts";

const NAME_RULE = `must match ${VARIABLE_NAME.source}`;

interface Holder {
  readonly path: string;
  /** Where its secrets are named, for one that has no `secretEnv`. */
  readonly secretsAt?: string;
  readonly env: Readonly<Record<string, unknown>>;
  readonly secretEnv: Readonly<Record<string, string>>;
}

/** Variable names, what the platform owns, secrets by reference only. */
export const environmentRules: Rule = (config, context) => {
  const holders: Holder[] = [
    ...sortedEntries(config.clusters).map(([key, c]) => ({ ...c, path: `clusters.${key}` })),
    ...sortedEntries(config.tenants).map(([key, t]) => ({ ...t, path: `tenants.${key}` })),
    ...sortedEntries(config.templates).map(([key, t]) => ({
      path: `templates.${key}`,
      secretsAt: "secretEnv of each tenant of it",
      env: t.env,
      secretEnv: {},
    })),
  ];
  return holders.flatMap((holder) => [
    ...names(`${holder.path}.env`, holder.env),
    ...names(`${holder.path}.secretEnv`, holder.secretEnv),
    ...inline(holder),
    ...twice(holder),
    ...references(holder, context),
  ]);
};

function names(path: string, env: Readonly<Record<string, unknown>>): Problem[] {
  return Object.keys(env).flatMap((name) => {
    const place = `${path}.${name}`;
    if (!VARIABLE_NAME.test(name)) {
      return [problem("REDFLEET_CFG_ENV_NAME", place, name, NAME_RULE, "rename it")];
    }
    if (!isReservedVariable(name)) return [];
    const rule = "set by the platform";
    return [problem("REDFLEET_CFG_ENV_RESERVED", place, name, rule, insteadOf(name))];
  });
}

/** The value itself is not shown: it is a secret. */
function inline({ path, env, secretsAt }: Holder): Problem[] {
  return Object.entries(env)
    .filter(([name, value]) => looksSecret(name) || isSecretValue(value))
    .map(([name]) => {
      const rule = "a secret does not stand in clear";
      const place = secretsAt ?? `${path}.secretEnv.${name}`;
      const fix = `put it into redfleet:secrets and name it in ${place}`;
      return problem("REDFLEET_CFG_INLINE_SECRET", `${path}.env.${name}`, undefined, rule, fix);
    });
}

function twice({ path, env, secretEnv }: Holder): Problem[] {
  return Object.keys(secretEnv)
    .filter((name) => Object.hasOwn(env, name))
    .map((name) => {
      const rule = `also at ${path}.env.${name}`;
      return problem(
        ...([
          "REDFLEET_CFG_ENV_TWICE",
          `${path}.secretEnv.${name}`,
          name,
          rule,
          "keep one",
        ] as const),
      );
    });
}

function references({ path, secretEnv }: Holder, context: RuleContext): Problem[] {
  return Object.entries(secretEnv).flatMap(([name, secret]) =>
    missingSecret(`${path}.secretEnv.${name}`, secret, context),
  );
}
