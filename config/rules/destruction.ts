import { sortedEntries } from "../canonical.ts";
import { type Confirmed, confirmed } from "../destruction.ts";
import type { Problem } from "../errors.ts";
import { identityOf } from "../identity.ts";
import type { PlatformConfig } from "../schema.ts";
import { problem, type Rule } from "./rule.ts";

/** Only what is gone from the stack file is erased, and each once. */
export const destructionRules: Rule = (config) =>
  config.confirmDestroy.flatMap((entry, index) => {
    const wrong = (rule: string, fix: string): Problem[] => [
      problem("REDFLEET_CFG_DESTROY", `confirmDestroy.${index}`, entry, rule, fix),
    ];
    const first = config.confirmDestroy.indexOf(entry);
    if (first < index) return wrong(`already at confirmDestroy.${first}`, "remove one of them");
    const place = placeOf(config, confirmed(entry));
    if (place === undefined) return [];
    const rule = `its data belongs to ${place}, which is declared`;
    return wrong(rule, `remove ${place} as well, or take it out of confirmDestroy`);
  });

/** Where the stack file declares what has this identity. */
function placeOf({ clusters, tenants }: PlatformConfig, { kind, identity }: Confirmed) {
  const entries = kind === "tenant" ? sortedEntries(tenants) : sortedEntries(clusters);
  const key = entries.find(([key, entry]) => identityOf(key, entry) === identity)?.[0];
  return key === undefined ? undefined : `${kind}s.${key}`;
}
