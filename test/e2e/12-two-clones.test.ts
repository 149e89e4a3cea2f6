import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLAIM_GRACE } from "../../cli/pulumi/owner.ts";
import { Clone } from "../support/clone.ts";
import { identities } from "../support/containers.ts";
import { engine, sweep } from "../support/engine.ts";
import { testName } from "../support/names.ts";
import { capture, type Finished } from "../support/process.ts";
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
/** Whatever asks the containers of a stack, or changes them. */
const FOREIGN = [
  "status",
  "logs solo",
  "restart solo",
  "open solo",
  "password solo",
  "user list solo",
  "user add solo eve",
  "user role solo admin read",
  "user password solo admin",
  "user remove solo admin",
  "revisions solo",
  "rollback solo 1",
  "import solo --from . --password-file password --dry-run",
];
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

  it.each(["up", "refresh", "destroy"])(
    "the other one's plain pulumi %s touches nothing, not even routes",
    async (operation) => {
      const before = [await identities(STACK.name, ALL), await volumes()];
      const ended = await other.pulumi([operation, "--yes"], { seconds: 300 });
      isRefusal(ended, "already runs a stack");
      expect([await identities(STACK.name, ALL), await volumes()]).toEqual(before);
    },
  );

  it("the owner is told where the newest copy of its state is, when that is gone", async () => {
    const state = owner.path(".redfleet/state/.pulumi/stacks/redfleet", `${STACK.name}.json`);
    succeeded(await owner.redfleet(["up"], { seconds: 300 }));
    renameSync(state, `${state}.away`);
    const { code, output } = await owner.redfleet(["status"]);
    expect(code).toBe(1);
    const [, command = ""] = /way out: put the newest copy back: (cp .+), then/.exec(output) ?? [];
    succeeded(await capture("sh", ["-c", command]));
    succeeded(await owner.redfleet(["up"], { seconds: 300 }));
    expect(Object.keys(await identities(STACK.name, ALL))).toHaveLength(5);
  });

  it("the other one's set-up does not even begin", () => {
    for (const made of ["pulumi.json", "bases.json", "cache"]) {
      expect(existsSync(other.path(".redfleet", made)), made).toBe(false);
    }
  });

  it("no command of the other one looks into it, or changes it", async () => {
    const before = await identities(STACK.name, ALL);
    writeFileSync(other.path("flows.json"), JSON.stringify([{ id: "a", type: "tab" }]));
    writeFileSync(other.path("password"), "secret");
    for (const command of FOREIGN) await refused(command.split(" "), "already runs a stack");
    expect(await identities(STACK.name, ALL)).toEqual(before);
    expect(existsSync(other.path(".redfleet", STACK.name, "ca.crt"))).toBe(false);
  });

  it("the other one's doctor does not take it for its own", async () => {
    const details = await diagnosis();
    expect(details.containers).toContain(`already runs a stack "${STACK.name}" that this clone`);
    const taken = `127.0.0.1:${STACK.https} is taken by the container ${STACK.name}-edge`;
    expect(details["port for HTTPS"]).toBe(taken);
  });

  it("plain pulumi destroy takes away what runs, and says that the data is kept", async () => {
    succeeded(await owner.redfleet(["user", "add", "solo", "eve"]));
    const { output } = succeeded(await owner.pulumi(["destroy", "--yes"], { seconds: 300 }));
    expect(output).toContain("All unprotected resources were destroyed");
    expect(output).toContain(
      `Data is kept in its volumes: npx redfleet up --stack ${STACK.name} goes on with it.`,
    );
    expect(await engine.listContainers({ all: true, filters })).toEqual([]);
    expect(await engine.listNetworks({ filters })).toEqual([]);
    const kept = ["agent-ca", "mongodb-0-data", "tenant-solo-data", "valkey-0-data"];
    expect(await volumes()).toEqual(kept.map((name) => `${STACK.name}-${name}`));
  });

  it("what a killed up has made is its owner's, and nobody else's", async () => {
    const running = owner.start(["up"], { seconds: 300 });
    await until("a container", isMade, { seconds: 120, every: 50 });
    running.kill("SIGKILL");
    await running.finished;
    await refused(["up"], "already runs a stack");
    succeeded(await owner.redfleet(["up"], { seconds: 300 }));
    expect(Object.keys(await identities(STACK.name, ALL))).toHaveLength(5);
    // What was there before the stack went and came back.
    const users = succeeded(await owner.redfleet(["user", "list", "solo"]));
    expect(users.stdout).toMatch(/^eve +write$/m);
  });

  it("data whose keys are elsewhere is not started on, and goes only when told to", async () => {
    succeeded(await owner.redfleet(["down"], { seconds: 300 }));
    await refused(["up"], "holds data of a stack");
    await refused(["status"], "holds data of a stack");
    expect((await diagnosis()).data).toContain(`holds data of a stack "${STACK.name}" whose`);
    isRefusal(await other.pulumi(["up", "--yes"], { seconds: 300 }), "holds data of a stack");
    expect(await volumes()).not.toEqual([]);
    succeeded(await other.redfleet(ERASE, { seconds: 300 }));
    expect(await volumes()).toEqual([]);
  });

  it("an up that was cut off does not own what another clone has brought up since", async () => {
    succeeded(await owner.redfleet(ERASE, { seconds: 300 }));
    const running = owner.start(["up"], { seconds: 300 });
    await until("a container", isMade, { seconds: 240, every: 50 });
    running.kill("SIGINT");
    await running.finished;
    const cutOff = Date.parse(
      readFileSync(owner.path(".redfleet", STACK.name, "operating"), "utf8"),
    );
    await takeOver();
    await until("time to be nobody's", () => Date.now() > cutOff + CLAIM_GRACE, { seconds: 90 });
    succeeded(await other.redfleet(["up"], { seconds: 300 }));

    const before = [await identities(STACK.name, ALL), await volumes()];
    expect(Object.keys(before[0] ?? {})).toHaveLength(5);
    for (const command of [["up"], ["down"], ERASE, ["status"]]) {
      await refused(command, "already runs a stack", owner);
    }
    isRefusal(await owner.pulumi(["up", "--yes"], { seconds: 300 }), "already runs a stack");
    expect([await identities(STACK.name, ALL), await volumes()]).toEqual(before);
    succeeded(await other.redfleet(ERASE, { seconds: 300 }));
  });
});

const isMade = async () => (await engine.listContainers({ all: true, filters })).length > 0;

/** What docs/runbooks.md says of a clone that is gone for ever. */
async function takeOver(): Promise<void> {
  for (const { Id } of await engine.listContainers({ all: true, filters })) {
    await engine.getContainer(Id).remove({ force: true });
  }
  succeeded(await other.redfleet(ERASE, { seconds: 300 }));
}

/** What the other one's doctor finds, by its checks; something must be wrong. */
async function diagnosis(): Promise<Record<string, string>> {
  const { code, stdout } = await other.redfleet(["doctor", "--json"]);
  expect(code).toBe(1);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] };
  return Object.fromEntries(checks.map(({ name, detail }) => [name, detail]));
}

/** Names of the stack's volumes. */
async function volumes(): Promise<string[]> {
  const { Volumes: found } = await engine.listVolumes({ filters });
  return (found ?? []).map(({ Name }) => Name).sort();
}

/** A clone that does not own it may not do it, and says why and what else to do. */
async function refused(command: readonly string[], what: string, clone = other): Promise<void> {
  isRefusal(await clone.redfleet(command, { seconds: 300 }), what);
}

function isRefusal({ code, output }: Finished, what: string): void {
  expect(code, output).toBe(1);
  expect(output).toContain(`error: this engine ${what} "${STACK.name}"`);
  expect(output).toContain("why: for instance the ");
  expect(output).toContain("way out: ");
}
