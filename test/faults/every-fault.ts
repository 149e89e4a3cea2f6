import { beforeAll, describe, it } from "vitest";
import { ACTIONS, VICTIMS } from "./fault.ts";
import { prepareScene, runScenario, type Scene } from "./scenario.ts";

const FAULTS = VICTIMS.flatMap((victim) => ACTIONS.map((action) => ({ action, victim })));

/** Defines one test for every action on every part. */
export function describeEveryFault(): void {
  let scene: Scene;
  describe("faults", () => {
    beforeAll(async () => {
      scene = await prepareScene();
    });

    it.each(FAULTS)("$action of the $victim", ({ action, victim }) =>
      runScenario(scene, action, victim),
    );
  });
}
