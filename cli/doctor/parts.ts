import type { PlatformConfig } from "../../config/schema.ts";
import { GONE, isUp, missingParts } from "../engine/declared.ts";
import { observePart } from "../engine/observe.ts";
import type { StackView } from "../engine/view.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** Whether every container that the stack file declares is there and runs, once the stack is up. */
export function judgeParts(view: StackView, platform: PlatformConfig): Check {
  const name = "containers";
  if (!isUp(view)) return ok(name, `nothing of the stack "${view.stack}" is up`);
  const gone = missingParts(view, platform).map((part) => `${part.name} ${GONE}`);
  const ill = view.parts
    .map((part) => ({ part, ...observePart(part) }))
    .filter(({ state }) => state !== "running");
  if (gone.length + ill.length === 0) return ok(name, `${view.parts.length} are there and run`);
  const lines = ill.map(({ part, state, reason }) => `${part.name}: ${reason || state}`);
  const detail = [...gone, ...lines].join("\n");
  // What starts needs time, and nothing else.
  if (gone.length === 0 && ill.every(({ state }) => state === "starting")) {
    return warn(name, detail, "wait; redfleet status says when all runs");
  }
  const fix = "redfleet up makes again what is missing; redfleet status says more of the others";
  return fail(name, detail, fix);
}
