import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { inventory } from "../../cli/pulumi/owner.ts";
import { compare } from "../../cli/pulumi/recovery.ts";
import { parseState } from "../../cli/pulumi/state.ts";
import { median } from "../bench/measure.ts";
import { Admin } from "../support/admin.ts";
import { identities } from "../support/containers.ts";
import { endpoint, tab } from "../support/flows.ts";
import { EdgeClient } from "../support/http.ts";
import { type Killable, killOnce } from "../support/kills.ts";
import { Machine } from "../support/machine.ts";
import { Draw } from "../support/random.ts";
import { report } from "../support/report.ts";
import { platformConfig, type TestStack } from "../support/stack.ts";
import { until } from "../support/wait.ts";

/**
 * Latest second of each kill on the way from empty caches to a platform. A start goes on where the last one was
 * killed, and later steps are longer: with ever more time the kills reach all of them.
 */
const SET_UP = Array.from({ length: 10 }, (_, index) => 15 * (index + 1));
/** Kills of an `up` that finds everything but the platform, each with a recovery of its own. */
const UPS = Array.from({ length: 10 }, (_, index) => index + 1);

const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];
const UP = ["npm", "run", "--silent", "up", "--", "--json"];

/** What an `up` with all caches may take after a killed one: little more than one that nobody disturbs. */
const LIMIT = { atMost: 120 };
/** A bound that only a defect reaches, also on a machine that does other work. */
const PATIENT = { seconds: 180 };

const draw = new Draw();
let machine: Machine;
let stack: TestStack;
let client: EdgeClient;
/** What was saved last. */
let mark = "";
/** Seconds that an undisturbed `up` takes once the set-up is done. */
let duration = 0;
/** Seconds that each `up` took which followed a killed one. */
const recoveries: number[] = [];

describe("`up` killed at any second, twenty times", () => {
  beforeAll(async () => {
    machine = await Machine.open();
    const { address } = machine;
    stack = { name: "dev", domain: "redfleet.localhost", https: 8443, http: 8080, address };
    const platform = platformConfig(stack);
    platform.edge.address = "0.0.0.0";
    writeFileSync(
      join(machine.clone, "Pulumi.dev.yaml"),
      stringify({ config: { "redfleet:platform": platform } }),
    );
  });

  afterAll(async () => {
    await client?.close();
    await machine?.close();
  });

  it(`gets there from empty caches, ${SET_UP.length} kills on the way`, async () => {
    let spent = 0;
    for (const within of SET_UP) spent += await killOnce({ start, undo: uninstall }, draw, within);
    spent += (await finish()).seconds;
    report("up from empty caches, ten kills on the way", spent, "s", { atMost: 720 });
    client = new EdgeClient(stack, join(machine.clone, ".redfleet", "dev", "ca.crt"));
    await isWhole();
    await save("set-up");
    await takeDown();
    duration = (await finish()).seconds;
    report("up with all caches", duration, "s");
    await isWhole();
  });

  it.each(UPS)("gets there after a kill with all caches, %i", async (kill) => {
    await takeDown();
    await killOnce({ start, undo: takeDown }, draw, duration);
    recoveries.push((await finish()).seconds);
    await isWhole();
    await save(`kill-${kill}`);
  });

  it("tells how long recoveries take", () => {
    expect(recoveries).toHaveLength(UPS.length);
    report("up after a kill, median of ten", median(recoveries), "s", LIMIT);
    report("up after a kill, longest of ten", Math.max(...recoveries), "s", LIMIT);
  });
});

const start: Killable["start"] = () => machine.start(UP, { seconds: 3600 });

const takeDown = () => machine.redfleet(["down"], { seconds: 900 });

/** What the set-up has installed goes; what compilers and package managers keep stays. */
async function uninstall(): Promise<void> {
  await takeDown();
  for (const folder of ["node_modules", "../cache/pulumi"]) {
    rmSync(join(machine.clone, folder), { recursive: true, force: true });
  }
}

/** An `up` that nobody kills. */
async function finish(): Promise<{ seconds: number; changes: Record<string, number> }> {
  const { code, output, stdout } = await start().finished;
  if (code !== 0) throw new Error(`seed ${draw.seed}, exit code ${code}:\n${output}`);
  return JSON.parse(stdout);
}

/** Everything answers, with what was saved; another `up` changes nothing; nothing is left over. */
async function isWhole(): Promise<void> {
  for (const host of ["main", "acme", "globex"]) {
    expect((await client.ask(host, "/")).status, host).toBe(200);
  }
  const kept = () => client.ask("main", "/red-nodes/kept");
  if (mark)
    await until(mark, async () => (await kept()).body.includes(`"mark":"${mark}"`), PATIENT);
  const settled = await identities("dev", ALL, machine.engine);
  expect(Object.keys(settled)).toHaveLength(17);
  expect(Object.keys((await finish()).changes)).toEqual(["same"]);
  expect(await identities("dev", ALL, machine.engine)).toEqual(settled);
  expect(await leftOver()).toEqual({ unknown: { containers: [], networks: [] }, missing: false });
  expect(machine.processes()).toEqual([]);
}

/** Saves a flow that answers with a mark; from now on every check asks for it. */
async function save(next: string): Promise<void> {
  const { stdout } = await machine.redfleet(["password", "main"]);
  const admin = await new Admin(client, "main").login(stdout.trim());
  await admin.deployTabs([tab("kept"), ...endpoint("kept", "kept", "/kept", next)]);
  mark = next;
}

/** What engine and state do not agree on. */
async function leftOver(): Promise<ReturnType<typeof compare>> {
  const checkpoint = ".redfleet/state/.pulumi/stacks/redfleet/dev.json";
  const state = parseState(readFileSync(join(machine.clone, checkpoint), "utf8"));
  return compare(await inventory(machine.engine, "dev"), state);
}
