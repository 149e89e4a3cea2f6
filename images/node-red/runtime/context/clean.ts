/** Deletes the context of nodes that are gone, and of nobody else. */
import { randomUUID } from "node:crypto";
import { type Logger, reasonOf } from "../log.ts";
import type { Exchange } from "./exchange.ts";
import { drop, mark, scopes } from "./operations.ts";

export interface CleanParts {
  readonly exchange: Exchange;
  readonly log: Logger;
  /** Ids of all nodes in the newest stored revision. */
  readonly storedNodes: () => Promise<ReadonlySet<string>>;
  /** Ids of all nodes that run here. */
  readonly activeNodes: readonly string[];
}

/**
 * The scopes are listed before the stored revision is read: a scope of a node of a newer revision can
 * only be in the list when that revision was stored already, and then the node is found in it. A node that comes
 * back meanwhile under its old id writes to its scope, which then stays. One scope a call: a server goes over all that
 * it holds, and flows wait behind it.
 */
export async function cleanScopes({ exchange, log, storedNodes, activeNodes }: CleanParts) {
  try {
    const [answer] = (await exchange.run([scopes()])) as [Buffer[]];
    const active = new Set(activeNodes);
    const candidates = answer.map(String).filter((scope) => isGone(scope, active));
    if (candidates.length === 0) return;
    const own = randomUUID();
    await Promise.all(candidates.map((scope) => exchange.run([mark(scope, own)])));
    const stored = await storedNodes();
    const gone = candidates.filter((scope) => isGone(scope, stored));
    for (const scope of gone) await exchange.run([drop(scope, own)]);
    if (gone.length > 0) log.info("context of removed nodes was deleted", { scopes: gone.length });
  } catch (error) {
    log.warn("context of removed nodes was not deleted", { reason: reasonOf(error) });
  }
}

/**
 * Scopes are `global`, a tab's id, or a node's id and its tab's. Nodes in an instance of a subflow are
 * called `<instance>-<node>`, at any depth: they live as long as the outermost instance.
 */
function isGone(scope: string, nodes: ReadonlySet<string>): boolean {
  if (scope === "global") return false;
  const [id = ""] = scope.split(":");
  for (let end = id.length; end > 0; end = id.lastIndexOf("-", end - 1)) {
    if (nodes.has(id.slice(0, end))) return false;
  }
  return true;
}
