import { beforeAll, describe, expect, it } from "vitest";
import type { Admin } from "../support/admin.ts";
import { addressOf, runningOf } from "../support/containers.ts";
import { ballast, endpoint, globalConfig, tab } from "../support/flows.ts";
import { Load } from "../support/load.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { E2E, redfleet, status, succeeded } from "../support/stack.ts";
import { pause, until } from "../support/wait.ts";

const NODES = 100;

let platform: Platform;
let admin: Admin;
let addresses: string[];

const steady = () => [tab("steady"), ...endpoint("steady", "steady", "/steady", "steady")];
const moving = (mark: string) => [
  tab("moving"),
  ...endpoint("moving", "moving", "/moving", mark),
  ...ballast("moving", NODES - 8),
];

/** The mark that one replica answers with now. */
async function markAt(address: string): Promise<string | undefined> {
  const url = `http://${address}:1880/red-nodes/moving`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return answer.ok ? (JSON.parse(await answer.text()) as { mark: string }).mark : undefined;
}

const allServe = (mark: string) =>
  Promise.all(
    addresses.map((address) =>
      until(`${address} serves ${mark}`, async () => (await markAt(address)) === mark, {
        every: 5,
      }),
    ),
  );

describe("deploys while replicas serve", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    admin = await platform.login("main");
    addresses = (await runningOf(E2E.name, "replica")).map((entry) => addressOf(entry, "-edge"));
    await admin.deployTabs([...steady(), ...moving("first")]);
    await allServe("first");
  });

  it("spreads requests over the replicas", async () => {
    const workers = new Map<string, number>();
    for (let count = 0; count < 60; count += 1) {
      const { body } = await platform.client.ask("main", "/red-nodes/steady");
      const { worker } = JSON.parse(body);
      workers.set(worker, (workers.get(worker) ?? 0) + 1);
    }
    expect(workers.size).toBe(addresses.length);
    for (const [worker, count] of workers) expect(count, worker).toBeGreaterThan(5);
  });

  it("brings every save to all replicas", async () => {
    const times: number[] = [];
    for (let count = 0; count < 15; count += 1) {
      const mark = `save-${count}`;
      const save = await admin.deployTabs(moving(mark));
      const saved = performance.now();
      await allServe(mark);
      times.push(save + performance.now() - saved);
    }
    times.sort((a, b) => a - b);
    const [median = Number.NaN, worst = Number.NaN] = [times[7], times.at(-1)];
    report("save → all replicas serve, 100 nodes, median", median, "ms", { atMost: 250 });
    report("save → all replicas serve, 100 nodes, worst", worst, "ms", { atMost: 1000 });
    const { revision, replicas } = (await status(E2E)).clusters.main ?? {};
    expect(revision).toBeGreaterThanOrEqual(15);
    expect(replicas?.map((replica) => replica.revision)).toEqual(addresses.map(() => revision));
  });

  it.each(["nodes", "full"])("loses no request during ten %s deploys", (type) =>
    losesNothing(`${type} deploys`, async (save) => {
      await admin.deployTabs(moving(`${type}-${save}`), type);
      return `${type}-${save}`;
    }),
  );

  it("loses no request while everything restarts ten times, one replica after the other", () =>
    losesNothing("restarts of everything", async (save) => {
      const mark = `everything-${save}`;
      const { flows } = await admin.flows();
      const kept = flows.filter((node) => node.type !== "global-config" && node.z !== "moving");
      const [, ...nodes] = moving(mark);
      await admin.deploy([...kept, globalConfig(mark), ...nodes], "nodes");
      return mark;
    }));

  it("ends one replica by a deploy that ends processes, says so, and goes on with the next", async () => {
    const untouched = load("/red-nodes/steady");
    const exit = 'if (cluster.type === "worker") Buffer.constructor("return process")().exit(1);';
    const nodes = endpoint("deadly", "deadly", "/deadly", "x").map((node) =>
      node.type === "function" ? { ...node, initialize: exit } : node,
    );
    await admin.deployTabs([tab("deadly"), ...nodes]);
    const held = /held: revision \d+ ended \S+ while it was applied/g;
    const allHeld = async () => {
      const { stdout } = await redfleet(E2E, ["status"]);
      return stdout.match(held)?.length === addresses.length;
    };
    // One of them starts twice until then.
    await until("all replicas are held", allHeld, { seconds: 60 });
    const { stdout } = succeeded(await redfleet(E2E, ["revisions", "main"]));
    expect(stdout.match(held)).toHaveLength(1);
    expect((await untouched.stop()).lost).toEqual([]);
    await admin.deployTabs([tab("deadly")]);
    await until("all replicas run the next one", async () => {
      const { revision, replicas = [] } = (await status(E2E)).clusters.main ?? {};
      return replicas.every((one) => one.revision === revision && one.state === "running");
    });
  });
});

/** Requests that waited for a deploy so far, on all replicas. */
async function held(): Promise<number> {
  const texts = addresses.map(async (address) =>
    (await fetch(`http://${address}:1881/metrics`)).text(),
  );
  const counts = (await Promise.all(texts)).map((text) =>
    Number(/^redfleet_gate_requests_held_total\S* (\d+)$/m.exec(text)?.[1]),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Ten deploys, each until all replicas serve it, with clients at work. */
async function losesNothing(what: string, deploy: (save: number) => Promise<string>) {
  const untouched = load("/red-nodes/steady");
  const touched = load("/red-nodes/moving");
  const heldBefore = await held();
  for (let save = 0; save < 10; save += 1) {
    await allServe(await deploy(save));
    await pause(200);
  }
  report(`requests that waited during ${what}`, (await held()) - heldBefore, "");
  const reports = { untouched: await untouched.stop(), touched: await touched.stop() };
  for (const [name, seen] of Object.entries(reports)) {
    report(`${name} endpoint during ${what}, p99`, seen.p99, "ms");
    report(`${name} endpoint during ${what}, slowest`, seen.max, "ms");
    report(`${name} endpoint during ${what}, requests`, seen.sent, "");
    expect(seen.lost, name).toEqual([]);
    expect(seen.sent, name).toBeGreaterThan(50);
  }
}

const load = (path: string) =>
  new Load({ ask: () => platform.client.ask("main", path), perSecond: 60 });
