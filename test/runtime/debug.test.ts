import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { type Browser, logIn, openBrowser } from "../support/browser.ts";
import { Comms } from "../support/comms.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { pause, until } from "../support/wait.ts";
import { Editor, PASSWORD } from "./support/editor.ts";
import { openDevLike, openValkey, type ValkeyLab } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";

const TAB = "aaaa0000aaaa0000";
const NODE = "cccc0000cccc0001";
const NOTICE = " messages left out: at most 20 a second";
/** Half a megabyte: strings are cut at a thousand letters, lists at a thousand entries. */
const LARGE = "Array(500).fill('x'.repeat(1000))";

interface Shown {
  id: string;
  name: string;
  msg: string;
  level?: number;
}

/** Where flows are kept; messages always go through Valkey. */
const LABS: [string, () => Promise<ValkeyLab>][] = [
  ["MongoDB", openDevLike],
  ["Valkey", openValkey],
];

let lab: ValkeyLab;
let editor: Runtime;
let replicas: Runtime[] = [];
let person: Editor;
let comms: Comms;
let browser: Browser;

/** `GET /say?text=…` says it by a debug node, `GET /warn` by a warning. */
function flow({ active }: { active: boolean }): FlowNode[] {
  const [input, fn, output] = answering(
    TAB,
    "dddd0000dddd0001",
    "/say",
    `msg.payload = msg.req.query.text || ${LARGE};`,
  );
  const debug = {
    id: NODE,
    type: "debug",
    z: TAB,
    name: "what",
    active,
    complete: "payload",
    x: 1,
    y: 1,
    wires: [],
  };
  return [
    tab(TAB, "One"),
    ...[input, { ...fn, wires: [[NODE, output.id]] }, output, debug],
    ...answering(TAB, "eeee0000eeee0001", "/warn", 'node.warn("careful"); msg.payload = "";'),
  ];
}

const said = () =>
  comms.messages.filter(({ topic }) => topic === "debug").map(({ data }) => data as Shown);
const says = (text: string) =>
  until(`the sidebar to show ${text}`, () => said().find(({ msg }) => msg === text), { every: 50 });
const ask = async (worker: number, path: string) => {
  const answer = await fetch(`${replicas[worker]?.url}${path}`);
  expect(answer.status).toBe(200);
  await answer.text();
};

describe.each(LABS)("debug messages of a cluster with its flows in %s", (_, open) => {
  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    const replica = { ...lab.access, role: "replica" } as const;
    [editor, ...replicas] = (await Promise.all([
      start({ ...lab.access, role: "editor" }),
      start({ ...replica, worker: "one" }),
      start({ ...replica, worker: "two" }),
    ])) as [Runtime, ...Runtime[]];
    person = await Editor.login(editor);
    await person.load();
    const revision = await person.deploy(flow({ active: true }));
    await Promise.all(replicas.map((runtime) => runtime.reaches(revision)));
    const socket = new WebSocket(`${editor.url.replace("http", "ws")}/comms`);
    comms = await Comms.login(socket, person.token);
  });
  afterAll(async () => {
    comms?.close();
    await browser?.close();
    await Promise.all([editor, ...replicas].map((runtime) => runtime?.remove()));
    await lab?.close();
  });

  it("shows what a replica's debug node says, with the worker's name", async () => {
    await ask(0, "/say?text=first");
    expect(await says("first")).toMatchObject({ id: NODE, name: "[one] what" });
    await ask(1, "/say?text=second");
    expect(await says("second")).toMatchObject({ id: NODE, name: "[two] what" });
  });

  it("shows warnings of replicas, and leaves out what is too large", async () => {
    await ask(0, "/warn");
    expect((await says("careful")).name).toBe("[one] eeee0000eeee0001-fn");
    await ask(0, "/say");
    const notice = await until("a word instead", () =>
      said().find(({ id, msg }) => id === NODE && msg.endsWith("left out: at most 64 KB")),
    );
    expect(notice.name).toBe("[one] what");
  });

  it("shows a person which replica it was", async () => {
    browser = await openBrowser();
    await logIn(browser.page, editor.url, PASSWORD);
    await ask(1, "/say?text=for-people");
    const row = browser.page.locator(".red-ui-debug-msg", { hasText: "for-people" });
    await row.waitFor({ state: "attached" });
    expect(await row.textContent()).toContain("[two] what");
  });

  it("hands a switched debug node on to the replicas, without a deploy", async () => {
    const change = async (state: string) => {
      const answer = await person.call(`/debug/${NODE}/${state}`, { method: "POST", body: "{}" });
      expect(answer.ok).toBe(true);
    };
    // What the replicas say: the editor shows nothing of a node that is off there.
    const line = lab.group.client("app");
    const published: Shown[] = [];
    line.on("message", (_channel, text) => published.push(JSON.parse(text)));
    await line.subscribe(`${lab.access.valkey?.prefix}debug:messages`);
    let turn = 0;
    /** Whether a replica says a text by the node: a warning that it says after it has arrived. */
    const speaks = async (worker: number) => {
      const text = `turn ${++turn}`;
      const warnings = () => published.filter(({ msg }) => msg === "careful").length;
      const before = warnings();
      await ask(worker, `/say?text=${text}`);
      await ask(worker, "/warn");
      await until("the warning", () => warnings() > before, { every: 10 });
      return published.some(({ msg }) => msg === text);
    };
    try {
      for (const [index, { worker }] of replicas.entries()) {
        await until(`${worker} to speak`, () => speaks(index));
        await change("disable");
        await until(`${worker} to be silent`, async () => !(await speaks(index)));
        expect(await speaks(index), worker).toBe(false);
        await change("enable");
        await until(`${worker} to speak again`, () => speaks(index));
      }
    } finally {
      line.disconnect();
    }
    await until("the sidebar to show it again", async () => {
      await ask(0, "/say?text=again");
      return said().some(({ msg }) => msg === "again");
    });
  });

  it("speaks in replicas where the deploy left the node off and a person switched it on", async () => {
    await person.load();
    const revision = await person.deploy(flow({ active: false }));
    await Promise.all(replicas.map((runtime) => runtime.reaches(revision)));
    await ask(0, "/say?text=silent");
    const body = JSON.stringify({ nodes: [NODE] });
    expect((await person.call("/debug/enable", { method: "POST", body })).ok).toBe(true);
    await until("the replica to speak", async () => {
      await ask(0, "/say?text=switched-on");
      return said().some(({ msg }) => msg === "switched-on");
    });
    expect(said().map(({ msg }) => msg)).not.toContain("silent");
  });

  it("shows a node that was switched on before the deploy that left it off had started", async () => {
    const slow = (mark: string): FlowNode => ({
      ...{ id: "ffff0000ffff0001", type: "function", z: TAB, x: 1, y: 1, wires: [[NODE]] },
      ...{ func: `return msg; // ${mark}`, outputs: 1 },
      initialize: 'node.on("close", (done) => setTimeout(done, 1500));',
    });
    await person.load();
    await person.deploy([...flow({ active: true }), slow("before")]);
    const revision = await person.deploy([...flow({ active: false }), slow("after")]);
    const body = JSON.stringify({ nodes: [NODE] });
    expect((await person.call("/debug/enable", { method: "POST", body })).ok).toBe(true);
    await Promise.all(replicas.map((runtime) => runtime.reaches(revision)));
    await until("the sidebar to show it", async () => {
      await ask(0, "/say?text=in-between");
      return said().some(({ msg }) => msg === "in-between");
    });
  });

  it("speaks in a replica that came after the node was switched on", async () => {
    const late = await start({ ...lab.access, role: "replica", worker: "late" });
    replicas.push(late);
    await until("the new replica to speak", async () => {
      await ask(2, "/say?text=came-later");
      return said().some(({ msg }) => msg === "came-later");
    });
  });

  it("hands on what was switched while a replica did not listen", async () => {
    await person.load();
    // A node that a deploy does not change stays switched.
    await person.deploy(flow({ active: true }));
    const revision = await person.deploy(flow({ active: false }));
    await Promise.all(replicas.map((runtime) => runtime.reaches(revision)));
    const admin = lab.group.direct("valkey", await lab.group.primary());
    let over = false;
    const cut = async () => {
      while (!over) await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
    };
    const cutting = cut();
    await pause(50);
    await person.call(`/debug/${NODE}/enable`, { method: "POST", body: "{}" });
    await pause(50);
    over = true;
    await cutting;
    await until("the replica to speak", async () => {
      await ask(0, "/say?text=caught-up");
      return said().some(({ msg }) => msg === "caught-up");
    });
  });

  it("hears nothing of another cluster on the same servers, which hears nothing either", async () => {
    const beside = lab.beside();
    await beside.addUser("admin", "admin");
    const [theirs, replica] = await Promise.all([
      start({ ...beside.access, role: "editor" }),
      start({ ...beside.access, role: "replica", worker: "one" }),
    ]);
    try {
      const stranger = await Editor.login(theirs);
      await stranger.load();
      await replica.reaches(await stranger.deploy(flow({ active: true })));
      const socket = new WebSocket(`${theirs.url.replace("http", "ws")}/comms`);
      const heard = await Comms.login(socket, stranger.token);
      await (await fetch(`${replica.url}/say?text=theirs`)).text();
      await ask(0, "/say?text=ours");
      await says("ours");
      const shown = () => heard.messages.map(({ data }) => (data as Shown)?.msg);
      await until("their editor shows theirs", () => shown().includes("theirs"));
      expect(said().map(({ msg }) => msg)).not.toContain("theirs");
      expect(shown()).not.toContain("ours");
      heard.close();
    } finally {
      await Promise.all([theirs.remove(), replica.remove()]);
    }
  });

  it("lets a flood through in part, says how much it left out, and serves all the while", async () => {
    const before = said().length;
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 50 }, () => ask(0, "/say?text=flood")));
    }
    const notices = () => said().filter(({ msg }) => msg.endsWith(NOTICE));
    const left = () => notices().reduce((sum, { msg }) => sum + Number.parseInt(msg, 10), 0);
    const heard = () =>
      said()
        .slice(before)
        .filter(({ msg }) => msg === "flood").length;
    await until("all to be heard or counted", () => heard() + left() === 500);
    expect(left()).toBeGreaterThan(0);
    expect(new Set(notices().map(({ name }) => name))).toEqual(new Set(["[one]"]));
  });
});
