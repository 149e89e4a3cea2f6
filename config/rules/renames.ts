import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { identityOf } from "../identity.ts";
import { KEY_PATTERN, KEY_RULE } from "../names.ts";
import { own } from "../own.ts";
import { problem, type Rule } from "./rule.ts";

interface Renamed {
  renamedFrom?: string | undefined;
}

/** An identity belongs to one entry. */
export const renameRules: Rule = ({ clusters, tenants }) => [
  ...renames("clusters", clusters),
  ...renames("tenants", tenants),
];

function renames(section: string, map: Readonly<Record<string, Renamed>>): Problem[] {
  const owners = new Map<string, string>();
  return sortedEntries(map).flatMap(([key, entry]) => {
    const from = entry.renamedFrom;
    if (from === undefined) return [];
    const wrong = (rule: string, fix: string) => [
      problem("REDFLEET_CFG_RENAME", `${section}.${key}.renamedFrom`, from, rule, fix),
    ];
    if (!KEY_PATTERN.test(from)) return wrong(KEY_RULE, "write the key that it had at first");
    if (from === key) return wrong("it is the key that it has", "leave renamedFrom out");
    const present = own(map, from);
    if (present !== undefined) return wrong(...stillThere(section, from, present));
    const other = owners.get(from);
    owners.set(from, other ?? key);
    if (other === undefined) return [];
    return wrong(`${section}.${other} was renamed from it already`, "remove one of the two");
  });
}

/** The old key is still declared: by mistake, or as a link of a chain. */
function stillThere(section: string, from: string, present: Renamed): [rule: string, fix: string] {
  const first = identityOf(from, present);
  if (first === from) return [`${section}.${from} is still declared`, `remove ${section}.${from}`];
  const rule = `${section}.${from} is still declared, and was ${first} at first`;
  return [rule, `remove ${section}.${from} and write ${first}`];
}
