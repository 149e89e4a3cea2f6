import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { localDirectory } from "../../../cli/context.ts";
import { claim, claiming } from "../../../cli/pulumi/claim.ts";
import { RunReport } from "../../../cli/pulumi/events.ts";
import { type Inventory, judgeStrangers, readProof } from "../../../cli/pulumi/owner.ts";
import { checkpointFile, claimFile } from "../../../cli/pulumi/places.ts";
import type { PulumiResult } from "../../../cli/pulumi/run.ts";
import type { StateResource } from "../../../cli/pulumi/state.ts";
import { testName } from "../../support/names.ts";

const STACK = testName("owner");
const CHECKPOINT = checkpointFile(STACK);

const resource = (kind: string, id: string): StateResource => {
  const type = `docker:index/${kind.toLowerCase()}:${kind}`;
  return { urn: `urn:pulumi:${STACK}::redfleet::${type}::${id}`, type, id };
};
const container = resource("Container", "c1");
const network = resource("Network", "n1");
/** What stays in the state after a `down`. */
const kept = [resource("Volume", "data"), resource("RandomPassword", "none")];
const others: StateResource[] = [resource("Container", "c9"), resource("Network", "n9")];

const found: Inventory = {
  containers: [{ id: "c1", name: "dev-a" }],
  networks: [{ id: "n1", name: "dev-data" }],
};

const checkpoint = (resources: readonly object[], pending: readonly object[] = []) =>
  JSON.stringify({ checkpoint: { latest: { resources, pending_operations: pending } } });

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function clear(): void {
  rmSync(localDirectory(STACK), { recursive: true, force: true });
  rmSync(CHECKPOINT, { force: true });
}
beforeEach(clear);
afterEach(clear);

const judge = (there = found, stack = STACK) => judgeStrangers(stack, readProof(STACK), there);

describe("a stack on the engine is this clone's", () => {
  test.each([
    ["with one of its containers in the state", [...kept, container]],
    ["with one of its networks in the state: an older copy was put back", [...others, network]],
  ])("%s", (_, resources) => {
    write(CHECKPOINT, checkpoint(resources));
    expect(judge()).toBeUndefined();
  });

  test("when nothing of it runs", () => {
    expect(judge({ containers: [], networks: [] })).toBeUndefined();
  });

  test("while an operation is pending in the state, or was cut off with the state or before it", async () => {
    write(CHECKPOINT, checkpoint([], [{ type: "creating", resource: container }]));
    expect(judge()).toBeUndefined();
    write(CHECKPOINT, checkpoint([container]).slice(0, -9));
    expect(judge()).toBeUndefined();
    write(CHECKPOINT, checkpoint([]));
    expect(judge()).toBeDefined();
    await claim(STACK);
    expect(judge()).toBeUndefined();
  });
});

describe("a stack on the engine is not this clone's", () => {
  const what = `this engine already runs a stack "${STACK}" that this clone knows nothing of`;

  test.each([
    ["without a state", undefined],
    ["with an empty state", []],
    ["with data that a down has kept", kept],
  ])("%s", (_, resources) => {
    if (resources) write(CHECKPOINT, checkpoint(resources));
    expect(judge()).toEqual({
      what,
      why: "for instance the container dev-a: another clone has made it, perhaps a colleague's",
      fix: `work with it in that clone (npx redfleet down --stack ${STACK} there takes it down); or have a stack of your own: cp Pulumi.${STACK}.yaml Pulumi.<name>.yaml, set another domain and other edge ports in it, npx redfleet up --stack <name>; docs/runbooks.md#run-a-second-stack says more, also for a clone that is gone`,
    });
    expect(judge(found, "dev")?.fix).toContain("(npx redfleet down there ");
  });

  test("with other containers and networks in the state", () => {
    write(CHECKPOINT, checkpoint([...kept, ...others]));
    expect(judge()).toMatchObject({
      what,
      why: "for instance the container dev-a: the containers in this clone's state are others; is DOCKER_HOST another engine now, or has another clone taken the stack over?",
    });
  });

  test("as far as is known with a state that is gone: the newest copy that is whole is named", () => {
    const backups = join(localDirectory(STACK), "backups");
    write(join(backups, "2026-01-01.json"), checkpoint([container]));
    write(join(backups, "2026-01-02.json"), checkpoint([container]));
    write(join(backups, "2026-01-03.json"), checkpoint([container]).slice(0, -9));
    const newest = join(backups, "2026-01-02.json");
    expect(judge()).toEqual({
      what,
      why: `for instance the container dev-a; this clone had the stack, and its state ${CHECKPOINT} is gone`,
      fix: `put the newest copy back: cp ${newest} ${CHECKPOINT}, then npx redfleet up --stack ${STACK}`,
    });
  });
});

describe("a claim", () => {
  const ended = (more: Partial<PulumiResult>): PulumiResult => ({
    ...{ code: 0, report: new RunReport(), stderr: "" },
    ...more,
  });

  test.each<[string, Partial<PulumiResult>, boolean]>([
    ["ended well", {}, false],
    ["failed by itself, for instance by the policy", { code: 255 }, false],
    ["was killed", { code: 137 }, true],
    ["was interrupted", { code: 255, interrupted: "SIGINT" }, true],
  ])("of an operation that %s", async (_, more, stays) => {
    const result = ended(more);
    const operation = async () => {
      expect(existsSync(claimFile(STACK))).toBe(true);
      return result;
    };
    expect(await claiming(STACK, operation)).toBe(result);
    expect(existsSync(claimFile(STACK))).toBe(stays);
  });
});
