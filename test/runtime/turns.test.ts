import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, type FlowNode, globalConfig, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { report } from "../support/report.ts";
import { pause, until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { expectNothingLost, startLoad } from "./support/load.ts";
import { type Runtime, start } from "./support/runtime.ts";

const database = "turns";
const WORKERS = ["r-0", "r-1", "r-2"];

let mongodb: LocalReplicaSet;
let editor: Runtime;
let replicas: Runtime[];
let person: Editor;

/** Enough nodes to make a restart of everything take a while. */
const ballast: FlowNode[] = Array.from({ length: 800 }, (_, index) => ({
  id: `ballast-${index}`,
  type: "change",
  z: "ballast",
  rules: [],
  x: 1,
  y: 1,
  wires: [[]],
}));

/** `GET /times` tells when this very node was stopped and started again. */
function clock(): FlowNode[] {
  const [input, fn, output] = answering(
    "clock",
    "clock",
    "/times",
    'msg.payload = global.get("times");',
  );
  const note = (what: string) =>
    `global.set("times", [...(global.get("times") || []), { ${what}: Date.now() }]);`;
  return [
    tab("clock"),
    input,
    { ...fn, initialize: note("started"), finalize: note("stopped") },
    output,
  ];
}

const flows = (mark: string, detail = "", slowMs = 0): FlowNode[] => [
  globalConfig(mark),
  tab("ballast"),
  ...ballast,
  tab("work"),
  ...answering("work", "mark", "/mark", `msg.payload = env.get("MARK") + "${detail}";`),
  ...answering("work", "slow", "/slow", `await new Promise((go) => setTimeout(go, ${slowMs}));`),
  ...clock(),
];

interface Pause {
  readonly worker: string;
  readonly from: number;
  readonly to: number;
}

/** When a replica's flows did not run. */
async function pausesOf({ url, worker }: Runtime): Promise<Pause[]> {
  const times = (await (await fetch(`${url}/times`)).json()) as Record<string, number>[];
  return times.flatMap(({ stopped: from }, index) => {
    const to = times[index + 1]?.started;
    return from === undefined || to === undefined ? [] : [{ worker, from, to }];
  });
}

const mark = async ({ url }: Runtime) => (await fetch(`${url}/mark`)).text();

const turns = () =>
  mongodb.client.db(database).collection<{ _id: string; worker: string; until: Date }>("turns");

beforeAll(async () => {
  mongodb = await startReplicaSet();
  await addUser(mongodb.client, database, "admin");
  const common = { uri: mongodb.uri, database };
  [editor, ...replicas] = (await Promise.all([
    start({ ...common, role: "editor" }),
    ...WORKERS.map((worker) => start({ ...common, role: "replica", worker })),
  ])) as [Runtime, ...Runtime[]];
  person = await Editor.login(editor);
  await person.load();
  await reached(await person.deploy(flows("first")));
});
afterAll(async () => {
  await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
  await mongodb?.close();
});

const reached = (revision: number, among = replicas) =>
  Promise.all(among.map((replica) => replica.reaches(revision)));

describe("restarts of everything", () => {
  it("go over the replicas one at a time and lose no request", async () => {
    const loads = replicas.map(({ url }) => startLoad(`${url}/mark`, 2));
    for (let deploy = 1; deploy <= 5; deploy += 1) {
      const begin = performance.now();
      await reached(await person.deploy(flows(`${deploy}`)));
      report("restart of everything on three replicas", performance.now() - begin, "ms");
    }
    const seen = await Promise.all(loads.map((load) => load.stop()));
    expectNothingLost(seen);
    for (const { ok } of seen) expect(ok).toBeGreaterThan(20);
    expect(await Promise.all(replicas.map(mark))).toEqual(["5", "5", "5"]);
    const pauses = (await Promise.all(replicas.map(pausesOf))).flat();
    // The first flows came with one more.
    for (const worker of WORKERS) {
      const own = pauses.filter((pause) => pause.worker === worker);
      expect(own.length, worker).toBeGreaterThanOrEqual(5);
    }
    const sorted = pauses.sort((a, b) => a.from - b.from);
    const overlapping = sorted.filter((pause, index) => pause.from < (sorted[index - 1]?.to ?? 0));
    expect(overlapping).toEqual([]);
  });

  it("leave deploys that touch single nodes to happen at once", async () => {
    const until = new Date(Date.now() + 60_000);
    await turns().insertOne({ _id: "restart", worker: "somebody", until });
    await reached(await person.deploy(flows("5", " changed")));
    expect(await Promise.all(replicas.map(mark))).toEqual(replicas.map(() => "5 changed"));
    expect(await turns().findOne({})).toMatchObject({ worker: "somebody" });
  });

  it("do not wait for ever for a turn that is not handed on", async () => {
    await reached(await person.deploy(flows("late")));
    expect(await Promise.all(replicas.map(mark))).toEqual(["late", "late", "late"]);
    expect(await turns().findOne({})).toMatchObject({ worker: "somebody" });
    await turns().deleteMany({});
  });

  it("go on when a replica is killed while it has the turn", async () => {
    await reached(await person.deploy(flows("slow", "", 3000)));
    // A running request keeps the holder of the turn waiting.
    const askSlowly = (among: readonly Runtime[]) =>
      among.map(({ url }) => fetch(`${url}/slow`).catch(() => undefined));
    const slow = askSlowly(replicas);
    await until("they run", async () => {
      const texts = await Promise.all(
        replicas.map(async ({ health }) => (await fetch(`${health}/metrics`)).text()),
      );
      return texts.every((text) => /redfleet_http_requests_in_flight\{[^}]*\} 1/.test(text));
    });
    const revision = await person.deploy(flows("survived"));
    const takes = async (...excepted: string[]) => {
      const turn = await turns().findOne({});
      return replicas.find(({ worker }) => worker === turn?.worker && !excepted.includes(worker));
    };
    // The first one tries the revision for the others: they would wait for it to start again.
    const first = await until("somebody has the turn", () => takes(), { every: 5 });
    await pause(2000);
    slow.push(...askSlowly(replicas.filter((replica) => replica !== first)));
    const holder = await until("the next one has it", () => takes(first.worker), { every: 5 });
    await holder.signal("SIGKILL");
    const others = replicas.filter((replica) => replica !== holder);
    const loads = others.map(({ url }) => startLoad(`${url}/mark`, 2));
    await until("it is dead", async () => !(await holder.running()));
    expect(await turns().findOne({})).toMatchObject({ worker: holder.worker });
    const begin = performance.now();
    await reached(revision, others);
    report("restart of everything with a dead holder", performance.now() - begin, "ms");
    expect(await Promise.all(others.map(mark))).toEqual(["survived", "survived"]);
    const seen = await Promise.all(loads.map((load) => load.stop()));
    expectNothingLost(seen);
    await Promise.all(slow);
  });
});
