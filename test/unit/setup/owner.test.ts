import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { localDirectory } from "../../../cli/context.ts";
import type { Engine } from "../../../cli/engine/client.ts";
import { BEAT, claimedUntil, claiming } from "../../../cli/pulumi/claim.ts";
import { RunReport } from "../../../cli/pulumi/events.ts";
import {
  CLAIM_GRACE,
  type Inventory,
  inventory,
  judgeStrangers,
  readProof,
} from "../../../cli/pulumi/owner.ts";
import { checkpointFile, claimFile } from "../../../cli/pulumi/places.ts";
import type { PulumiResult } from "../../../cli/pulumi/run.ts";
import type { StateResource } from "../../../cli/pulumi/state.ts";
import { testName } from "../../support/names.ts";
import { pause, until } from "../../support/wait.ts";

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

/** When an operation of this clone was cut off. */
const CUT = Date.parse("2026-01-01T12:00:00Z");

const found: Inventory = {
  containers: [{ id: "c1", name: "dev-a", created: CUT }],
  networks: [{ id: "n1", name: "dev-data" }],
};

const checkpoint = (resources: readonly object[], pending: readonly object[] = []) =>
  JSON.stringify({
    checkpoint: {
      latest: {
        manifest: { time: new Date(CUT).toISOString() },
        ...{ resources, pending_operations: pending },
      },
    },
  });
const UNDER_WAY = [{ type: "creating", resource: container }];

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
});

/** What an operation leaves that was cut off at {@link CUT}. */
const cutOff: readonly (readonly [what: string, leave: () => void])[] = [
  ["a claim", () => write(claimFile(STACK), new Date(CUT).toISOString())],
  [
    "a claim, and data in the state",
    () => {
      write(CHECKPOINT, checkpoint(kept));
      write(claimFile(STACK), new Date(CUT).toISOString());
    },
  ],
  ["a pending operation in the state", () => write(CHECKPOINT, checkpoint(others, UNDER_WAY))],
  [
    "a state that cannot be read",
    () => {
      write(CHECKPOINT, checkpoint([container]).slice(0, -9));
      utimesSync(CHECKPOINT, CUT / 1000, CUT / 1000);
    },
  ],
];

describe.each(cutOff)("an operation that was cut off with %s", (_, leave) => {
  const made = (...times: number[]): Inventory => ({
    containers: times.map((created, index) => ({ id: `m${index}`, name: `dev-${index}`, created })),
    networks: [{ id: "n2", name: "dev-data" }],
  });

  test("has made what is older, or hardly younger", () => {
    leave();
    expect(judge(made(CUT - 3_600_000, CUT, CUT + CLAIM_GRACE))).toBeUndefined();
  });

  test("has not made what is younger: another clone has taken the stack over", () => {
    leave();
    expect(judge(made(CUT + CLAIM_GRACE + 1))).toMatchObject({
      what: `this engine already runs a stack "${STACK}" that this clone knows nothing of`,
      why: "for instance the container dev-0: this clone's last operation was cut off at 2026-01-01T12:00:00.000Z, before it was made; has another clone taken the stack over?",
    });
    expect(judge(made(CUT, CUT + 3_600_000))?.why).toContain("container dev-1:");
  });
});

test("of a claim and a pending operation the later one counts", () => {
  write(CHECKPOINT, checkpoint([], UNDER_WAY));
  write(claimFile(STACK), new Date(CUT + 5).toISOString());
  expect(readProof(STACK).cutOff).toBe(CUT + 5);
  write(claimFile(STACK), new Date(CUT - 5).toISOString());
  expect(readProof(STACK).cutOff).toBe(CUT);
});

test.each([
  ["nothing pending", () => write(CHECKPOINT, checkpoint(others))],
  ["a claim that cannot be read", () => write(claimFile(STACK), "")],
])("with %s nothing was cut off", (_, leave) => {
  leave();
  expect(readProof(STACK).cutOff).toBeUndefined();
  expect(judge()).toBeDefined();
});

test("an engine whose clock is wrong makes its containers at the time of this machine", async () => {
  const ahead = 7_200_000;
  const docker = {
    listContainers: async () => [
      { Id: "c1", Names: ["/dev-a"], Created: (CUT + ahead) / 1000, Labels: {}, State: "running" },
    ],
    listNetworks: async () => [],
    info: async () => ({ SystemTime: new Date(Date.now() + ahead).toISOString() }),
  } as unknown as Engine;
  const { containers } = await inventory(docker, STACK);
  expect(Math.abs((containers[0]?.created ?? 0) - CUT)).toBeLessThan(1000);
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

  describe("of an operation that is at work", () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
    afterEach(() => void vi.useRealTimers());

    test("is renewed all the while, and not brought back at the end", async () => {
      const result = await claiming(STACK, async () => {
        for (let beat = 0; beat < 3; beat++) {
          const before = claimedUntil(STACK) ?? 0;
          // A renewal in the same millisecond would look like none.
          await pause(2);
          vi.advanceTimersByTime(BEAT);
          await until("a renewal", () => (claimedUntil(STACK) ?? 0) > before);
        }
        vi.advanceTimersByTime(BEAT);
        return ended({});
      });
      expect(result.code).toBe(0);
      expect(existsSync(claimFile(STACK))).toBe(false);
      expect(vi.getTimerCount()).toBe(0);
    });

    test("is as old as its last renewal where it cannot be renewed", async () => {
      const folder = localDirectory(STACK);
      const killed = await claiming(STACK, async () => {
        const claimed = claimedUntil(STACK);
        expect(Date.now() - (claimed ?? 0)).toBeLessThan(BEAT);
        renameSync(folder, `${folder}.away`);
        writeFileSync(folder, "");
        vi.advanceTimersByTime(BEAT);
        await pause(50);
        rmSync(folder);
        renameSync(`${folder}.away`, folder);
        expect(claimedUntil(STACK)).toBe(claimed);
        return ended({ code: 137 });
      });
      expect(killed.code).toBe(137);
    });

    test("ends with the operation, also with one that could not start", async () => {
      const failing = claiming(STACK, async () => Promise.reject(new Error("no pulumi")));
      await expect(failing).rejects.toThrow("no pulumi");
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
