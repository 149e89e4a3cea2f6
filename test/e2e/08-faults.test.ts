import { beforeAll, describe, it } from "vitest";
import type { Action, Victim } from "../faults/fault.ts";
import { prepareScenario, runScenario } from "../faults/scenario.ts";
import type { Admin } from "../support/admin.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { E2E } from "../support/stack.ts";

/** One fault of every kind of part; `npm run test:faults` does every action on every part. */
const FAULTS: readonly { readonly action: Action; readonly victim: Victim }[] = [
  { action: "kill", victim: "mongodb primary" },
  { action: "pause", victim: "mongodb primary" },
  { action: "stop", victim: "valkey primary" },
  { action: "kill", victim: "sentinel" },
  { action: "kill", victim: "replica" },
  { action: "stop", victim: "editor" },
  { action: "kill", victim: "agent" },
  { action: "kill", victim: "edge" },
];

let platform: Platform;
let admin: Admin;

describe("faults, one of every kind", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    admin = await prepareScenario(platform);
  });

  it.each(FAULTS)("$action of the $victim", ({ action, victim }) =>
    runScenario(platform, admin, action, victim),
  );
});
