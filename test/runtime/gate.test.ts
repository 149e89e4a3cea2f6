import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { pause } from "../support/wait.ts";
import { addUser, type DeployType, Editor } from "./support/editor.ts";
import { expectNothingLost, startLoad } from "./support/load.ts";
import { type Runtime, start } from "./support/runtime.ts";

const database = "gate";
let mongodb: LocalReplicaSet;
let editor: Runtime;
let replica: Runtime;
let person: Editor;

beforeAll(async () => {
  mongodb = await startReplicaSet();
  await addUser(mongodb.client, database, "admin");
  const common = { uri: mongodb.uri, database };
  [editor, replica] = await Promise.all([
    start({ ...common, role: "editor" }),
    start({ ...common, role: "replica" }),
  ]);
  person = await Editor.login(editor);
  await person.load();
});
afterAll(async () => {
  await Promise.all([editor?.remove(), replica?.remove()]);
  await mongodb?.close();
});

/** Enough nodes to make a restart of everything take a while. */
const ballast = (count: number): FlowNode[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `ballast-${index}`,
    type: "change",
    z: "still",
    rules: [],
    x: 1,
    y: 1,
    wires: [[]],
  }));

const flows = (mark: number, slowMs = 0): FlowNode[] =>
  [
    tab("still"),
    ...answering("still", "still", "/still", 'msg.payload = "still";'),
    ...ballast(200),
    tab("moving"),
    ...answering("moving", "moving", "/moving", `msg.payload = "${mark}";`),
    ...answering(
      "moving",
      "slow",
      "/slow",
      `await new Promise((go) => setTimeout(go, ${slowMs}));`,
    ),
    tab("linked"),
    {
      id: "call-in",
      type: "http in",
      url: "/linked",
      method: "get",
      z: "linked",
      wires: [["call"]],
    },
    {
      id: "call",
      type: "link call",
      links: ["sub-in"],
      linkType: "static",
      timeout: "30",
      z: "linked",
    },
    { id: "call-out", type: "http response", z: "linked", wires: [] },
    tab("sub"),
    { id: "sub-in", type: "link in", z: "sub", wires: [["sub-fn"]] },
    {
      id: "sub-fn",
      type: "function",
      func: `msg.payload = "${mark}"; return msg;`,
      outputs: 1,
      z: "sub",
    },
    { id: "sub-out", type: "link out", mode: "return", z: "sub", wires: [] },
  ].map(withPosition);

const WIRES: Record<string, string[][]> = { call: [["call-out"]], "sub-fn": [["sub-out"]] };
const withPosition = (node: FlowNode): FlowNode =>
  node.type === "tab" ? node : { x: 1, y: 1, ...node, wires: WIRES[node.id] ?? node.wires };

async function counters(runtime: Runtime): Promise<Record<string, number>> {
  const lines = (await (await fetch(`${runtime.health}/metrics`)).text()).split("\n");
  const values = lines.filter((line) => line.startsWith("redfleet_"));
  return Object.fromEntries(
    values.map((line) => [
      line.slice("redfleet_".length, line.indexOf("{")),
      +(line.split(" ")[1] ?? 0),
    ]),
  );
}

describe("the gate", () => {
  it("loses no request on touched, linked and untouched tabs during 20 deploys", async () => {
    await replica.reaches(await person.deploy(flows(0)));
    const bases = [replica.url, `${editor.url}/red-nodes`];
    const paths = ["/still", "/moving", "/linked"];
    const loads = bases.flatMap((base) => paths.map((path) => startLoad(base + path, 2)));
    let revision = 0;
    for (let deploy = 1; deploy <= 20; deploy++) {
      const type: DeployType = deploy % 5 === 0 ? "full" : deploy % 5 === 1 ? "flows" : "nodes";
      revision = await person.deploy(flows(deploy), type);
      await pause(100);
    }
    await replica.reaches(revision);
    const results = await Promise.all(loads.map((load) => load.stop()));
    expectNothingLost(results);
    for (const { ok } of results) expect(ok).toBeGreaterThan(20);
    expect((await counters(replica)).gate_closed_total).toBeGreaterThan(0);
    expect(await (await fetch(`${replica.url}/moving`)).text()).toBe("20");
  });

  it("lets a running request of a changed flow finish before it restarts the flow", async () => {
    await replica.reaches(await person.deploy(flows(1, 800)));
    const slow = fetch(`${replica.url}/slow`);
    await pause(200);
    const revision = await person.deploy(flows(2, 801));
    const next = fetch(`${replica.url}/moving`);
    expect((await slow).status).toBe(200);
    expect(await (await next).text()).toBe("2");
    await replica.reaches(revision);
  });

  it("does not wait for ever", async () => {
    await replica.reaches(await person.deploy(flows(3, 60_000)));
    const before = await counters(replica);
    const stuck = fetch(`${replica.url}/slow`, { signal: AbortSignal.timeout(20_000) });
    stuck.catch(() => {});
    await pause(200);
    const begin = performance.now();
    await replica.reaches(await person.deploy(flows(4, 0)));
    expect(performance.now() - begin).toBeGreaterThan(4000);
    const after = await counters(replica);
    expect((after.gate_cut_short_total ?? 0) - (before.gate_cut_short_total ?? 0)).toBe(1);
  });

  it("answers a path that a deploy brings instead of refusing it", async () => {
    const more = answering("moving", "fresh", "/fresh", 'msg.payload = "fresh";');
    const answers: Promise<{ text: string; begin: number; end: number }>[] = [];
    const ask = async () => {
      const begin = performance.now();
      const text = await (await fetch(`${replica.url}/fresh`)).text();
      return { text, begin, end: performance.now() };
    };
    const timer = setInterval(() => answers.push(ask()), 5);
    await replica.reaches(await person.deploy([...flows(5), ...more]));
    await pause(50);
    clearInterval(timer);
    const all = await Promise.all(answers);
    const fresh = all.filter(({ text }) => text === "fresh");
    expect(fresh.length).toBeGreaterThan(0);
    // Who asked after the first good answer never hears a refusal.
    const known = Math.min(...fresh.map(({ end }) => end));
    expect(all.filter(({ text, begin }) => begin > known && text !== "fresh")).toEqual([]);
  });
});
