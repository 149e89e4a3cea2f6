import { redfleet } from "../hint.ts";
import type { Work } from "../pulumi/work.ts";
import type { Observation } from "./observe.ts";

/** What is known where a declared container is not on the engine. */
export interface Absence {
  /** The command that works on the stack now. */
  readonly work?: Work | undefined;
  /** Names of the containers that this clone's state has; undefined where it has no state. */
  readonly made?: ReadonlySet<string> | undefined;
}

/** What to say of a container that should be there and is not: the reason goes on after its name. */
export function observeAbsence(name: string, { work, made }: Absence): Observation {
  if (work) {
    const underWay = `${work.command} is under way (process ${work.pid})`;
    return work.removes
      ? { state: "stopping", reason: `is gone: ${underWay}` }
      : { state: "starting", reason: `is not made yet: ${underWay}` };
  }
  if (made && !made.has(name)) {
    return { state: "stopped", reason: `is not made yet: run ${redfleet("up")}` };
  }
  return { state: "error", reason: `does not exist: run ${redfleet("up")}` };
}
