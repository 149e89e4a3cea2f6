import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploy, dragFromPalette, logIn, openBrowser } from "../support/browser.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor, PASSWORD } from "./support/editor.ts";
import { openValkey, type ValkeyLab } from "./support/labs.ts";
import { type Answer, asked, type Dot, releasing, SERVER } from "./support/leader-flows.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

const LOCK = "nodered:leader";

/** A flow as node-red-cluster's editor makes it: its nodes name the server that they use. */
const FLOWS: FlowNode[] = [
  SERVER,
  tab("t"),
  ...asked("asked", { valkey: "server", name: "", lockKey: LOCK, lockTTL: "10" }),
  ...releasing("release", { valkey: "server", name: "", lockKey: LOCK }),
  ...answering("t", "who", "/who", "msg.payload = cluster.workerId ?? nobody;"),
];

describe.each<Major>([5, 4])("flows of node-red-cluster, Node-RED %i", (major) => {
  let lab: ValkeyLab;
  let editor: Runtime;
  let replica: Runtime;
  let person: Editor;
  let valkey: Redis;
  let revision: number;

  const ask = async <Found>({ url, worker }: Runtime, path: string) =>
    (await (
      await fetch(`${url}${worker === "editor" ? "/red-nodes" : ""}/${path}`)
    ).json()) as Found;
  const asks = (runtime: Runtime) => ask<Answer>(runtime, "asked");
  /** The two workers, the one that leads first; as soon as the other one knows. */
  const settled = () =>
    until("one leads, and the other knows", async () => {
      const order = [editor, replica];
      const answers = await Promise.all(order.map(asks));
      if (answers[1]?.isLeader) order.reverse();
      const [leader] = order as [Runtime, Runtime];
      const agreed = answers.every(({ leaderHost }) => leaderHost === leader.worker);
      return agreed && (order as [Runtime, Runtime]);
    });
  const shows = (runtime: Runtime, dot: Dot) =>
    until(`${runtime.worker} shows ${dot.text}`, async () => {
      const { fill, shape, text } = await ask<Dot>(runtime, "release-dot");
      return fill === dot.fill && shape === dot.shape && text === dot.text;
    });

  beforeAll(async () => {
    lab = await openValkey();
    valkey = lab.group.client("app");
    await lab.addUser("admin", "admin");
    [editor, replica] = await Promise.all([
      start({ ...lab.access, major, role: "editor" }),
      start({ ...lab.access, major, role: "replica", worker: "r0" }),
    ]);
    person = await Editor.login(editor);
    await person.load();
    revision = await person.deploy(FLOWS);
  });
  afterAll(async () => {
    valkey?.disconnect();
    await Promise.all([editor?.remove(), replica?.remove()]);
    await lab?.close();
  });

  it("run as they are; each worker says who leads and what it is", async () => {
    await replica.reaches(revision);
    const [leader, follower] = await settled();
    const [lead, follow] = await Promise.all([leader, follower].map(asks));
    const leaderHost = leader.worker;
    expect(lead).toEqual({
      ...{ output: 1, isLeader: true, leaderHost, lockKey: LOCK, fence: expect.any(Number) },
      dot: { fill: "green", shape: "dot", text: `leader (${leaderHost})` },
    });
    expect(follow).toEqual({
      ...{ output: 2, isLeader: false, leaderHost, followerHost: follower.worker, lockKey: LOCK },
      dot: { fill: "yellow", shape: "ring", text: `follower (leader: ${leaderHost})` },
    });
  });

  it("are told whether a lock was released, and who has it else", async () => {
    const [leader, follower] = await settled();
    expect(await ask(follower, "release")).toEqual({
      ...{ lockReleased: false, releasedBy: null, currentLeader: leader.worker, lockKey: LOCK },
    });
    await shows(follower, { fill: "yellow", shape: "ring", text: `leader: ${leader.worker}` });
    expect(await settled()).toEqual([leader, follower]);
    expect(await ask(leader, "release")).toEqual({
      ...{ lockReleased: true, releasedBy: leader.worker, currentLeader: null, lockKey: LOCK },
    });
    await shows(leader, { fill: "green", shape: "dot", text: "lock released" });
    expect(await settled()).toEqual([follower, leader]);
  });

  it("know a leader of a version that does not say its name", async () => {
    const old = "2400 5b1f0a1e-6c0e-4a39-9a6f-0d6c3a1f7c11";
    const key = `${lab.access.valkey?.prefix}leader:${LOCK}`;
    const both = [editor, replica];
    await until("both follow it", async () => {
      await valkey.set(key, old, "PX", 2400);
      const answers = await Promise.all(both.map(asks));
      return answers.every(({ dot }) => dot?.text === "follower (leader: unknown)");
    });
    expect(await ask(replica, "release")).toMatchObject({
      ...{ lockReleased: false, currentLeader: "unknown" },
    });
    await settled();
  });

  it("keep their server when somebody changes and deploys them in the editor", async () => {
    const browser = await openBrowser();
    try {
      const { page } = browser;
      await logIn(page, editor.url, PASSWORD);
      for (const [type, label] of Object.entries({
        "cluster-leader": "cluster leader",
        "release-cluster-leader": "release leader",
      })) {
        const node = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
        expect(await node.getAttribute("data-palette-label")).toBe(label);
      }
      await dragFromPalette(page, "cluster-leader");
      await deploy(page);
      const stored = await person.load();
      const { credentials: _, ...server } = SERVER;
      expect(stored.find(({ id }) => id === "server")).toMatchObject(server);
      for (const id of ["asked", "release"]) {
        expect(stored.find((node) => node.id === id)?.valkey).toBe("server");
      }
      expect(stored.filter(({ type }) => type === "cluster-leader")).toHaveLength(2);
    } finally {
      await browser.close();
    }
  });

  it("find cluster among what the function editor knows", async () => {
    const browser = await openBrowser();
    const { page } = browser;
    /** What it says of a function, once it says anything. */
    const problems = async () => {
      await page.reload();
      await page.waitForSelector("#red-ui-workspace-chart");
      await page.evaluate("RED.editor.edit(RED.nodes.node('who-fn'))");
      await page.locator("#node-input-func-editor .monaco-editor").waitFor();
      const markers = "monaco.editor.getModelMarkers({}).map((marker) => marker.message)";
      const found = () => page.evaluate<string[]>(markers);
      await until("its answer", async () => (await found()).length > 0);
      return found();
    };
    try {
      await logIn(page, editor.url, PASSWORD);
      // What it does not know it says by itself: only then is its silence on the rest an answer. Types that
      // Chromium dropped on their way, as it does when an interface of the host comes or goes, come with a new page.
      const said = ["Cannot find name 'nobody'."];
      await until("it knows the rest", async () => String(await problems()) === String(said), {
        seconds: 150,
      });
    } finally {
      await browser.close();
    }
  });

  it("say that nobody leads, and that there is no lock to release", async () => {
    await replica.signal("SIGTERM");
    await replica.ended();
    await until("the editor leads", async () => (await asks(editor)).isLeader);
    expect(await ask(editor, "release")).toMatchObject({ lockReleased: true });
    expect(await asks(editor)).toEqual({
      ...{ output: 2, isLeader: false, leaderHost: null, followerHost: "editor", lockKey: LOCK },
      dot: { fill: "grey", shape: "ring", text: "no leader" },
    });
    expect(await ask(editor, "release")).toEqual({
      ...{ lockReleased: false, releasedBy: null, currentLeader: null, lockKey: LOCK },
    });
    await shows(editor, { fill: "grey", shape: "ring", text: "no lock" });
    await until("it leads again", async () => (await asks(editor)).isLeader);
  });
});
