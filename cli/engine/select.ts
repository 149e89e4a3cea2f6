import { CliError } from "../errors.ts";
import type { Part } from "./part.ts";
import type { StackView } from "./view.ts";

/**
 * The containers that a name means: a container, with or without the stack's name in front; a
 * cluster or tenant; a component such as `mongodb`. The first of these that fits wins.
 */
export function selectParts(view: StackView, name: string): Part[] {
  const readings: ((part: Part) => boolean)[] = [
    (part) => part.name === name || part.name === `${view.stack}-${name}`,
    (part) => part.key === name && part.component !== "job",
    (part) => part.component === name,
  ];
  for (const fits of readings) {
    const parts = view.parts.filter(fits);
    if (parts.length > 0) return parts;
  }
  throw new CliError({
    what: `the stack "${view.stack}" has nothing by the name of "${name}"`,
    why: view.parts.length === 0 ? "nothing of it is on this engine" : known(view),
    fix: view.parts.length === 0 ? "redfleet up" : "redfleet status shows what there is",
  });
}

function known(view: StackView): string {
  const names = view.parts.flatMap((part) => [part.key, part.component]).filter(Boolean);
  return `it has ${[...new Set(names)].sort().join(", ")}`;
}
