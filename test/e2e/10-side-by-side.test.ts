import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clear } from "../support/clear.ts";
import { smallest } from "../support/clone.ts";
import { containersOf, identities } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { killedUps } from "../support/kills.ts";
import { testName } from "../support/names.ts";
import { type Platform, runningPlatform, talkTo } from "../support/platform.ts";
import { Draw } from "../support/random.ts";
import { report } from "../support/report.ts";
import { destroy, E2E, status, type TestStack, up, writeStack } from "../support/stack.ts";

const TWO: TestStack = { name: testName("two"), domain: "two.localhost", https: 9543, http: 9180 };
const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];

let first: Platform;
let before: Record<string, string>;

describe("a second stack beside the first", () => {
  beforeAll(async () => {
    first = await runningPlatform(E2E);
    before = await identities(E2E.name, ALL);
    await clear(TWO);
    // Its stores are encrypted.
    const tls = true;
    writeStack(TWO, {
      ...smallest(TWO),
      mongodb: { members: 1, tls },
      valkey: { replicas: 0, sentinels: 0, tls },
    });
  });

  afterAll(() => destroy(TWO));

  it("comes up although `up` was killed at random seconds", async () => {
    const seconds = await killedUps(TWO, 2, 30, new Draw());
    report("up after two kills", seconds, "s");
    const { client, status: known } = talkTo(TWO, await status(TWO));
    expect(Object.keys(known.tenants)).toEqual(["solo"]);
    expect((await client.ask("solo", "/")).status).toBe(200);
    await client.close();
  });

  it("changes nothing when it runs again", async () => {
    const settled = await identities(TWO.name, ALL);
    await up(TWO);
    expect(await identities(TWO.name, ALL)).toEqual(settled);
  });

  it("touched nothing of the first", async () => {
    expect(await identities(E2E.name, ALL)).toEqual(before);
    expect((await first.client.ask("acme", "/")).status).toBe(200);
  });

  it("goes with all it made and leaves the first alone", async () => {
    await destroy(TWO);
    expect((await containersOf(TWO.name)).map((entry) => entry.Name)).toEqual([]);
    const left = { filters: { label: [`redfleet.stack=${TWO.name}`] } };
    expect((await engine.listVolumes(left)).Volumes ?? []).toEqual([]);
    expect(await engine.listNetworks(left)).toEqual([]);
    expect(await identities(E2E.name, ALL)).toEqual(before);
  });
});
