import { beforeAll, describe, expect, it } from "vitest";
import type { Admin } from "../support/admin.ts";
import { runningOf } from "../support/containers.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { E2E } from "../support/stack.ts";
import { ACTIONS, VICTIMS } from "./fault.ts";
import { prepareScenario, runScenario } from "./scenario.ts";

/** Every action on every part: the long form of `test/e2e/08-faults.test.ts`. */
const FAULTS = VICTIMS.flatMap((victim) => ACTIONS.map((action) => ({ action, victim })));

let platform: Platform;
let admin: Admin;

describe("faults", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    admin = await prepareScenario(platform);
  });

  it.each(FAULTS)("$action of the $victim", async ({ action, victim }) => {
    const before = (await runningOf(E2E.name)).length;
    await runScenario(platform, admin, action, victim);
    expect((await runningOf(E2E.name)).length).toBe(before);
  });
});
