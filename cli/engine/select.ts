import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import type { Part } from "./part.ts";
import type { Route, StackView } from "./view.ts";

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
  const route = view.routes.find(({ key }) => key === name);
  if (route) throw withoutContainer(view.stack, route);
  throw new CliError({
    what: `the stack "${view.stack}" has nothing by the name of "${name}"`,
    why: view.parts.length === 0 ? "nothing of it is on this engine" : known(view),
    fix:
      view.parts.length === 0
        ? redfleet("up", view.stack)
        : `${redfleet("status", view.stack)} shows what there is`,
  });
}

/** A cluster or tenant of which the engine has the route alone: stopped by the stack file, or removed by hand. */
export function withoutContainer(
  stack: string,
  { kind, key, state }: Pick<Route, "kind" | "key" | "state">,
  what = `the ${kind} "${key}"`,
): CliError {
  if (state === "running") {
    return new CliError({
      what: `${what} has no container`,
      why: "it does not exist on this engine, and the stack file does not stop it",
      fix: `${redfleet("up", stack)} makes it again`,
    });
  }
  return new CliError({
    what: `the ${kind} "${key}" is stopped`,
    why: "the stack file says so: it has no container until it is started again",
    fix: redfleet(`tenant start ${key} --up`, stack),
  });
}

function known(view: StackView): string {
  const lasting = view.parts.filter(({ component }) => component !== "job");
  const keys = [...lasting, ...view.routes].map(({ key }) => key);
  const names = [...keys, ...view.parts.map(({ component }) => component)].filter(Boolean);
  return `it has ${[...new Set(names)].sort().join(", ")}`;
}
