import { heapMegabytes, semiSpaceMegabytes } from "../../config/units.ts";
import type { NodeRedEnvironment } from "../../images/node-red/runtime/environment.ts";
import { healthCheck, IMAGE_HEALTH } from "../health.ts";
import { runtimeImage } from "../images/plan.ts";
import type { Process, Workload } from "../target/types.ts";

/** Command of a runtime whose heap fits its memory limit. */
export function runtimeCommand(memory: number): string[] {
  const old = `--max-old-space-size=${heapMegabytes(memory)}`;
  const young = `--max-semi-space-size=${semiSpaceMegabytes(memory)}`;
  return ["node", old, young, "/app/start.cjs"];
}

/** The environment of a container of the Node-RED image, as the runtime's own type has it. */
export function runtimeEnvironment(environment: NodeRedEnvironment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
}

/** What every runtime has in common, whatever its role. */
export function runtimeDefaults(nodeRed: 4 | 5) {
  return {
    image: runtimeImage(nodeRed),
    user: { uid: 1000, gid: 1000 } satisfies Process["user"],
    health: healthCheck(IMAGE_HEALTH),
    waitSeconds: 180,
    graceSeconds: 15,
  } satisfies Partial<Workload>;
}
