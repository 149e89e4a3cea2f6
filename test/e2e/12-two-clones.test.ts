import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Clone } from "../support/clone.ts";
import { identities } from "../support/containers.ts";
import { engine, sweep } from "../support/engine.ts";
import { testName } from "../support/names.ts";
import { succeeded, type TestStack } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const STACK: TestStack = {
  name: testName("clones"),
  domain: "clones.localhost",
  https: 9843,
  http: 9480,
};
const ALL = ["mongodb", "valkey", "edge", "agent", "tenant"];
const ERASE = ["down", "--delete-data", "--yes"];
const filters = { label: [`redfleet.stack=${STACK.name}`] };

let owner: Clone;
let other: Clone;

describe("two clones with a stack of one name on one engine", () => {
  beforeAll(async () => {
    await sweep((labels) => labels?.["redfleet.stack"] === STACK.name);
    [owner, other] = [await Clone.make(STACK), await Clone.make(STACK)];
    succeeded(await owner.redfleet(["up"], { seconds: 300 }));
  });

  afterAll(async () => {
    succeeded(await owner.redfleet(ERASE, { seconds: 300 }));
    owner.close();
    other.close();
  });

  it.each([["up"], ["down"], ERASE])("the other one's %s touches nothing", async (...command) => {
    const before = await identities(STACK.name, ALL);
    expect(Object.keys(before)).toHaveLength(5);
    await refused(command.filter(Boolean), "already runs a stack");
    expect(await identities(STACK.name, ALL)).toEqual(before);
  });

  it("what a killed up has made is its owner's, and nobody else's", async () => {
    succeeded(await owner.redfleet(["down"], { seconds: 300 }));
    const running = owner.start(["up"], { seconds: 300 });
    const made = async () => (await engine.listContainers({ all: true, filters })).length > 0;
    await until("a container", made, { seconds: 120, every: 50 });
    running.kill("SIGKILL");
    await running.finished;
    await refused(["up"], "already runs a stack");
    succeeded(await owner.redfleet(["up"], { seconds: 300 }));
    expect(Object.keys(await identities(STACK.name, ALL))).toHaveLength(5);
  });

  it("data whose keys are elsewhere is not started on, and goes only when told to", async () => {
    succeeded(await owner.redfleet(["down"], { seconds: 300 }));
    await refused(["up"], "holds data of a stack");
    const { Volumes: kept } = await engine.listVolumes({ filters });
    expect(kept.length).toBeGreaterThan(0);
    succeeded(await other.redfleet(ERASE, { seconds: 300 }));
    expect((await engine.listVolumes({ filters })).Volumes ?? []).toEqual([]);
  });
});

/** The other clone may not do it, and says why and what else to do. */
async function refused(command: readonly string[], what: string): Promise<void> {
  const { code, output } = await other.redfleet(command, { seconds: 300 });
  expect(code, output).toBe(1);
  expect(output).toContain(`error: this engine ${what} "${STACK.name}"`);
  expect(output).toContain("why: for instance the ");
  expect(output).toContain("way out: ");
}
