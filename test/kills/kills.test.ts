import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clear } from "../support/clear.ts";
import { identities } from "../support/containers.ts";
import { killedUps } from "../support/kills.ts";
import { testName } from "../support/names.ts";
import { talkTo } from "../support/platform.ts";
import { report } from "../support/report.ts";
import {
  destroy,
  platformConfig,
  redfleet,
  status,
  succeeded,
  type TestStack,
  up,
  writeStack,
} from "../support/stack.ts";

const STACK: TestStack = {
  name: testName("kills"),
  domain: "kills.localhost",
  https: 9643,
  http: 9280,
};
const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];

/** Twenty random seconds, in ten pairs: two kills on the way to one finished `up`. */
const PAIRS = Array.from({ length: 10 }, (_, index) => index + 1);

let duration = 60;

describe("`up` killed at any second", () => {
  beforeAll(async () => {
    await clear(STACK);
    writeStack(STACK, platformConfig(STACK));
    duration = (await up(STACK)).seconds;
    report("full stack, undisturbed up", duration, "s");
  });

  afterAll(() => destroy(STACK));

  it.each(PAIRS)("gets there all the same, pair %i", async () => {
    succeeded(await redfleet(STACK, ["down", "--delete-data", "--yes"], { seconds: 300 }));
    report("up after two kills", await killedUps(STACK, 2, duration), "s");
    const { client } = talkTo(STACK, await status(STACK));
    for (const host of ["main", "acme", "globex"]) {
      expect((await client.ask(host, "/")).status, host).toBe(200);
    }
    await client.close();
    const settled = await identities(STACK.name, ALL);
    expect(Object.keys(settled)).toHaveLength(17);
    await up(STACK);
    expect(await identities(STACK.name, ALL)).toEqual(settled);
  });
});
