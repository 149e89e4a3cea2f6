/** Folds the patches of fields into their bases, before reading them gets slow. */
import { type Logger, reasonOf } from "../log.ts";
import { encode } from "./encoding.ts";
import type { Exchange } from "./exchange.ts";
import * as operation from "./operations.ts";
import { fieldValue } from "./patches.ts";

/** Patches that a field may have. */
const MOST_PATCHES = 100;

/** Called with the number of patches that a change has left. Works behind, one time for each field. */
export function createFolder(exchange: Exchange, log: Logger) {
  const running = new Set<string>();

  const fold = async (scope: string, field: string) => {
    const [answer] = await exchange.run([operation.get(scope, field)]);
    const stored = operation.fieldOf(answer);
    if (stored === undefined || stored.patches.length === 0) return;
    await exchange.run([operation.fold(scope, field, encode(fieldValue(stored)), stored)]);
  };

  return (scope: string, field: string, patches: number) => {
    const name = JSON.stringify([scope, field]);
    if (patches < MOST_PATCHES || running.has(name)) return;
    running.add(name);
    fold(scope, field)
      .catch((error) => log.debug("patches were not folded", { reason: reasonOf(error) }))
      .finally(() => running.delete(name));
  };
}
