import { type ComponentName, physicalName } from "../config/names.ts";
import type { PlanContext } from "./context.ts";
import type { Volume } from "./target/types.ts";

/** Which folder it is, for all tenants or clusters alike. */
interface Kind {
  readonly component: ComponentName;
  /** Last words of the resource's name. */
  readonly id: string;
  /** What the volume's name has after that of the component; default: nothing. */
  readonly suffix?: string;
}

/**
 * Plans the folder of one tenant or cluster. `id` is the name of its component, `identity` what its objects
 * are called. An erased one has it as "scratch": still there, but its content may go.
 */
type PlanFolder = (
  id: string,
  context: PlanContext,
  identity: string,
  durability?: Volume["durability"],
) => Volume;

/** The plan of a folder that outlives the tenant or cluster it belongs to, until its erasure is confirmed. */
export function keptFolder({ component, id, suffix = "" }: Kind): PlanFolder {
  return (owner, { stack }, identity, durability = "retained") => ({
    id: `${owner}.${id}`,
    name: `${physicalName(stack, component, identity)}${suffix}`,
    identity: { stack, component, key: identity },
    durability,
  });
}
