import type { ContextValue, FlowNode } from "./types.ts";

/** Where a value belongs. */
type Place = Pick<ContextValue, "scope" | "key">;

/**
 * Takes `<scope>:<key>` apart. Both may hold colons, so a scope counts only when the flows have it: `global`, a tab,
 * a config node or an instance of a subflow by its id, or a node as `<node>:<tab or instance>`. An instance within
 * another is called `<outer>-<inner>`.
 * @returns for such a text its parts; undefined where no scope of these flows begins it
 */
export function scopeSplitter(flows: readonly FlowNode[]): (text: string) => Place | undefined {
  // Nodes of a wrong shape are refused later, all of them at once.
  const nodes = flows.filter((node) => typeof node?.id === "string" && node.id !== "");
  const ids = new Set(nodes.map(({ id }) => id));
  const alone = nodes.filter(({ z, type }) => !z || `${type}`.startsWith("subflow:"));
  const homes = new Set(alone.map(({ id }) => id));
  return (text) => {
    const [first = "", ...rest] = text.split(":");
    const [second = "", ...more] = rest;
    if (first === "global" || isNamed(first, ids, homes)) return placeOf(first, rest);
    if (!isNamed(first, ids, ids) || !isNamed(second, ids, homes)) return undefined;
    return placeOf(`${first}:${second}`, more);
  };
}

function placeOf(scope: string, rest: readonly string[]): Place | undefined {
  const key = rest.join(":");
  return key === "" ? undefined : { scope, key };
}

/** Whether a name is one of `last`, or ids and then such a one, joined by hyphens, which ids may hold too. */
function isNamed(name: string, ids: ReadonlySet<string>, last: ReadonlySet<string>): boolean {
  if (last.has(name)) return true;
  for (let end = name.indexOf("-"); end !== -1; end = name.indexOf("-", end + 1)) {
    if (ids.has(name.slice(0, end)) && isNamed(name.slice(end + 1), ids, last)) return true;
  }
  return false;
}
