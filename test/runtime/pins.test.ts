import { afterAll, beforeAll, expect, it } from "vitest";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { openMongodb } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";

const at = { x: 1, y: 1 };
const pinned = (value: string) => [{ name: "REDFLEET_RUN_ON", value, type: "str" }];

let lab: Awaited<ReturnType<typeof openMongodb>>;
let runtimes: Record<string, Runtime> = {};
let person: Editor;

beforeAll(async () => {
  lab = await openMongodb();
  await lab.addUser("admin", "admin");
  const replica = (worker: string, REDFLEET_MEMBER: string) =>
    ({ ...lab.access, role: "replica", worker, environment: { REDFLEET_MEMBER } }) as const;
  const [editor, first, second] = (await Promise.all([
    start({ ...lab.access, role: "editor" }),
    start(replica("r0", "0")),
    start({ ...replica("r1", "1"), major: 4 }),
  ])) as [Runtime, Runtime, Runtime];
  runtimes = { editor, r0: first, r1: second };
  person = await Editor.login(editor);
  await person.load();
});
afterAll(async () => {
  await Promise.all(Object.values(runtimes).map((runtime) => runtime.remove()));
  await lab?.close();
});

/** Leaves a trace in its worker's memory ten times a second: `name` was here. */
function ticking(z: string, name: string, more: Partial<FlowNode> = {}): FlowNode[] {
  const inject = { repeat: "0.1", once: true, props: [{ p: "payload" }], payloadType: "date" };
  const func = `global.set("${name}", Date.now());`;
  return [
    { id: `${name}-tick`, type: "inject", z, ...inject, wires: [[`${name}-fn`]], ...at, ...more },
    { id: `${name}-fn`, type: "function", z, func, outputs: 0, wires: [], ...at, ...more },
  ];
}

/** What runs where: a tab, a group in a group, a tab that is free. */
function flows({ job, group }: { job: string; group: string }): FlowNode[] {
  const traces = `msg.payload = global.keys().filter((key) => Date.now() - global.get(key) < 600);`;
  return [
    { ...tab("job", "Job"), env: pinned(job) },
    ...ticking("job", "of-tab"),
    tab("open", "Open"),
    ...ticking("open", "of-all"),
    ...answering("open", "dddd0000dddd0001", "/here", traces),
    { id: "outer", type: "group", z: "open", nodes: ["inner"], env: pinned(group), ...at },
    { id: "inner", type: "group", z: "open", g: "outer", nodes: ["of-group-tick"], ...at },
    ...ticking("open", "of-group", { g: "inner" }),
  ];
}

async function here(worker: string): Promise<string[]> {
  const path = worker === "editor" ? "/red-nodes/here" : "/here";
  const base = runtimes[worker]?.url ?? "";
  const answer = await fetch(`${base}${path}`);
  return answer.ok ? ((await answer.json()) as string[]).sort() : [];
}

async function runs(expected: Readonly<Record<string, readonly string[]>>): Promise<void> {
  for (const [worker, names] of Object.entries(expected)) {
    await until(
      `${worker} to run ${names.join(", ")}`,
      async () => JSON.stringify(await here(worker)) === JSON.stringify(names),
      { seconds: 20, every: 100 },
    );
  }
}

it("runs a tab and a group on the workers that they name, and nowhere else", async () => {
  await person.deploy(flows({ job: "0", group: "editor, 1" }));
  await runs({
    editor: ["of-all", "of-group"],
    r0: ["of-all", "of-tab"],
    r1: ["of-all", "of-group"],
  });
});

it("moves them with the next deploy", async () => {
  await person.deploy(flows({ job: "editor", group: "replicas" }));
  await runs({
    editor: ["of-all", "of-tab"],
    r0: ["of-all", "of-group"],
    r1: ["of-all", "of-group"],
  });
});

it("shows the editor nothing disabled", async () => {
  const shown = await person.load();
  expect(shown.filter((node) => node.disabled || node.d)).toEqual([]);
});

it.each([
  [
    "a word that names no worker",
    flows({ job: "replica-0,1", group: "editor" }),
    'tab "Job": REDFLEET_RUN_ON: "replica-0"; use editor, replicas, or numbers of replicas',
  ],
  [
    "an endpoint that only some replicas would have",
    [...flows({ job: "0", group: "editor" }), ...answering("job", "eeee0000eeee0001", "/part", "")],
    'GET /part: REDFLEET_RUN_ON must hold "replicas", because requests reach all of them',
  ],
])("refuses %s, and changes nothing", async (_, wrong, message) => {
  const { revision } = await person.runtime.status();
  const answer = await person.tryDeploy(wrong);
  expect(answer.status).toBe(400);
  const said = (await answer.json()) as { message: string };
  expect(said.message).toBe(`Nothing was deployed: ${message}`);
  expect((await person.runtime.status()).revision).toBe(revision);
  await runs({ editor: ["of-all", "of-tab"] });
});

it("is nothing to a tenant, which deploys any and runs all of its flows", async () => {
  const common = { uri: lab.set.uri, database: "tenant-pins" };
  await addUser(lab.set.client, common.database, "admin");
  runtimes.tenant = await start({ ...common, role: "instance" });
  const owner = await Editor.login(runtimes.tenant);
  await owner.load();
  const endpoint = answering("job", "eeee0000eeee0001", "/part", "");
  await owner.deploy([...flows({ job: "replica-0", group: "1" }), ...endpoint]);
  await runs({ tenant: ["of-all", "of-group", "of-tab"] });
});
