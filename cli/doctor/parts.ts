import type { PlatformConfig } from "../../config/schema.ts";
import { type Absence, observeAbsence } from "../engine/absence.ts";
import { isUp, missingParts } from "../engine/declared.ts";
import { observePart } from "../engine/observe.ts";
import type { StackView } from "../engine/view.ts";
import { redfleet } from "../hint.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** Whether every container that the stack file declares is there and runs, once the stack is up. */
export function judgeParts(view: StackView, platform: PlatformConfig, absence: Absence): Check {
  const name = "containers";
  if (!isUp(view)) return ok(name, `nothing of the stack "${view.stack}" is up`);
  const gone = missingParts(view, platform).map((part) => {
    const { state, reason } = observeAbsence(part.name, absence);
    return { state, line: `${part.name} ${reason}` };
  });
  const ill = view.parts.map((part) => {
    const { state, reason } = observePart(part);
    return { state, line: `${part.name}: ${reason || state}` };
  });
  const found = [...gone, ...ill].filter(({ state }) => state !== "running");
  if (found.length === 0) return ok(name, `${view.parts.length} are there and run`);
  const detail = found.map(({ line }) => line).join("\n");
  // What starts needs time, and nothing else.
  if (found.every(({ state }) => state === "starting")) {
    return warn(name, detail, `wait; ${redfleet("status", view.stack)} says when all runs`);
  }
  const fix = `${redfleet("up", view.stack)} makes again what is missing; ${redfleet("status", view.stack)} says more of the others`;
  return fail(name, detail, fix);
}
