import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { Comms } from "../support/comms.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { redfleet } from "./support/command.ts";
import { Editor, login, PASSWORD } from "./support/editor.ts";
import { counted, credentialNode, secretTab } from "./support/flows.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { metric } from "./support/metrics.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

/** What a command of `redfleet` prints. */
async function printed(...words: string[]) {
  const { code, stdout, output } = await redfleet(...words, "--json");
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout);
}

const ask = async (runtime: Runtime, path: string) => {
  const answer = await fetch(`${runtime.url}${path}`);
  return answer.ok ? answer.text() : `${answer.status}`;
};

/** The revision that a runtime is on, and how often it has applied one that another process saved. */
async function loads(runtime: Runtime) {
  const { revision } = await runtime.status();
  return { revision, reloads: await metric(runtime, "reload_duration_seconds_count") };
}

const clusters: [Major, string, () => Promise<StoreLab>][] = [
  [5, "MongoDB", () => openMongodb()],
  [4, "MongoDB", () => openMongodb()],
  [5, "Valkey", () => openValkey()],
];

describe.each(clusters)("a cluster on Node-RED %i and %s", (major, _, openStore) => {
  let lab: StoreLab;
  let editor: Runtime;
  let replicas: Runtime[];
  let person: Editor;
  /** The echo is on the same runtime: it answers the authorization header that arrived. */
  let base: FlowNode[];

  beforeAll(async () => {
    lab = await openStore();
    await lab.addUser("admin", "admin");
    await lab.addUser("writer", "write");
    await lab.addUser("reader", "read");
    const common = { major, ...lab.access };
    const workers = ["r-0", "r-1"];
    [editor, ...replicas] = (await Promise.all([
      start({ ...common, role: "editor" }),
      ...workers.map((worker) => start({ ...common, role: "replica", worker })),
    ])) as [Runtime, Runtime, Runtime];
    person = await Editor.login(editor);
    await person.load();
    base = [
      tab("other"),
      ...counted("other", "other", "/other", "untouched"),
      ...answering("other", "echo", "/echo", "msg.payload = msg.req.headers.authorization;"),
      ...answering("other", "who", "/who", "msg.payload = cluster;"),
      tab("moving"),
    ];
  });
  afterAll(async () => {
    await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
    await lab?.close();
  });

  const onAll = async (revision: number) => {
    for (const replica of replicas) await replica.reaches(revision);
  };
  const asksAll = (path: string) => Promise.all(replicas.map((replica) => ask(replica, path)));

  it("shows a deployed flow on every replica", async () => {
    const revision = await person.deploy([...base, ...counted("moving", "a", "/a", "one")]);
    await onAll(revision);
    expect(await asksAll("/a")).toEqual(replicas.map(() => '{"text":"one","starts":1}'));
    expect(editor.url && (await ask(editor, "/red-nodes/a"))).toContain("one");
  });

  it("restarts only what changed", async () => {
    const revision = await person.deploy([...base, ...counted("moving", "a", "/a", "two")]);
    await onAll(revision);
    expect(await asksAll("/a")).toEqual(replicas.map(() => '{"text":"two","starts":2}'));
    expect(await asksAll("/other")).toEqual(replicas.map(() => '{"text":"untouched","starts":1}'));
  });

  it("takes new credentials without restarting the others", async () => {
    for (const password of ["first", "second"]) {
      const flows = await Promise.all(
        replicas.map((replica) =>
          credentialNode("moving", "c", "/c", `${replica.url}/echo`, password),
        ),
      );
      // Each replica asks itself; the address is part of the flow, so one flow set serves one.
      for (const [index, replica] of replicas.entries()) {
        const revision = await person.deploy([...base, ...(flows[index] as FlowNode[])]);
        await onAll(revision);
        const expected = `Basic ${Buffer.from(`u:${password}`).toString("base64")}`;
        expect(await ask(replica, "/c")).toBe(expected);
      }
    }
    expect(await asksAll("/other")).toEqual(replicas.map(() => '{"text":"untouched","starts":1}'));
  });

  it("restarts exactly the node whose credentials changed, and tabs for theirs", async () => {
    const target = `${replicas[0]?.url}/echo`;
    const flows = (password: string, secret: string) => [
      ...base,
      ...counted("moving", "a", "/a", "same"),
      ...credentialNode("moving", "c", "/c", target, password),
      ...secretTab("vault", "/vault", secret),
    ];
    await onAll(await person.deploy(flows("p1", "s1")));
    const before = await asksAll("/a");
    expect(await asksAll("/vault")).toEqual(["s1", "s1"]);
    await onAll(await person.deploy(flows("p2", "s2")));
    expect(await asksAll("/vault")).toEqual(["s2", "s2"]);
    const expected = `Basic ${Buffer.from("u:p2").toString("base64")}`;
    expect(await ask(replicas[0] as Runtime, "/c")).toBe(expected);
    expect(await asksAll("/a")).toEqual(before);
  });

  it("stores credentials encrypted, and in clear nowhere in the store, old ones neither", async () => {
    const secrets = ["old", "new"].map((which) => `${which}-${randomBytes(8).toString("hex")}`);
    for (const secret of secrets) {
      await onAll(await person.deploy([...base, ...secretTab("vault", "/vault", secret)]));
    }
    expect(await asksAll("/vault")).toEqual([secrets[1], secrets[1]]);
    expect(Object.keys(JSON.parse((await lab.stored()).credentials))).toEqual(["$"]);
    const written = await lab.written();
    const isThere = (text: string) => written.includes(text);
    // Flows stand there as they are: what is looked for would be found.
    expect(["vault-fn", ...secrets, PASSWORD].filter(isThere)).toEqual(["vault-fn"]);
  });

  it("tells function nodes where they run", async () => {
    const answers = await asksAll("/who");
    const expected = replicas.map(({ worker }) => ({ type: "worker", workerId: worker }));
    expect(answers.map((answer) => JSON.parse(answer))).toEqual(expected);
    const onEditor = { type: "admin", workerId: null };
    expect(JSON.parse(await ask(editor, "/red-nodes/who"))).toEqual(onEditor);
  });

  it("serves no editor and no admin API on replicas", async () => {
    for (const path of ["/", "/flows", "/settings", "/red-nodes/flows", "/auth/login"]) {
      const origin = new URL(replicas[0]?.url as string).origin;
      expect((await fetch(`${origin}${path}`)).status).toBe(404);
    }
  });

  it("keeps serving the old revision when node types are missing, and says why", async () => {
    const good = [...base, ...counted("moving", "a", "/a", "good")];
    await onAll(await person.deploy(good));
    const unknown = { id: "u", type: "no such type", z: "moving", x: 1, y: 1, wires: [] };
    await person.deploy([...base, ...counted("moving", "a", "/a", "bad"), unknown]);
    const failed = await until("the editor knows of the failure", async () => {
      const { replicas: seen } = await editor.status();
      return seen?.every(({ error }) => error?.includes("no such type")) && seen;
    });
    expect(failed).toHaveLength(2);
    expect(await asksAll("/a")).toEqual(replicas.map(() => expect.stringContaining("good")));
    await onAll(await person.deploy(good));
    await until("the editor knows that they are well again", async () => {
      const { replicas: seen } = await editor.status();
      return seen?.every(({ error }) => !error);
    });
  });

  it("refuses a deploy on flows that somebody else changed", async () => {
    const second = await start({ major, ...lab.access, role: "editor", worker: "e-2" });
    try {
      const other = await Editor.login(second);
      await other.load();
      const revision = await other.deploy([...base, ...counted("moving", "a", "/a", "theirs")]);
      const answer = await person.tryDeploy([...base, ...counted("moving", "a", "/a", "mine")]);
      expect(answer.status).toBe(409);
      expect(await answer.json()).toMatchObject({ code: "version_mismatch" });
      await editor.reaches(revision);
      expect(await ask(editor, "/red-nodes/a")).toContain("theirs");
      await person.load();
    } finally {
      await second.signal("SIGTERM");
      await second.ended();
      await second.remove();
    }
  });

  it("gives each role its rights", async () => {
    const writer = await Editor.login(editor, "writer");
    const reader = await Editor.login(editor, "reader");
    const flows = await writer.load();
    await reader.load();
    expect((await reader.tryDeploy(flows)).status).toBe(401);
    expect((await writer.tryDeploy(flows)).status).toBe(200);
    expect((await fetch(`${editor.url}/flows`)).status).toBe(401);
    const enable = { method: "PUT", body: JSON.stringify({ enabled: true }) };
    expect((await writer.call("/nodes/node-red/inject", enable)).status).toBe(401);
    expect((await person.call("/nodes/node-red/inject", enable)).status).toBe(200);
    await person.load();
  });

  it("limits the attempts to log in", async () => {
    const statuses = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      statuses.push((await login(editor, "nobody", `wrong-${attempt}`)).status);
    }
    expect(statuses.every((status) => status >= 400)).toBe(true);
    expect(await (await login(editor, "nobody", "x")).text()).toMatch(
      /too many|invalid|forbidden/i,
    );
  });

  it("knows its replicas, and forgets one that leaves at once", async () => {
    const replica = await start({ major, ...lab.access, role: "replica", worker: "r-9" });
    const workers = async () => (await editor.status()).replicas?.map(({ worker }) => worker);
    // It is in the list before it has applied anything.
    const { revision } = await until("the editor sees it run", async () =>
      (await editor.status()).replicas?.find(
        ({ worker, state }) => worker === "r-9" && state === "running",
      ),
    );
    expect(revision).toBe((await editor.status()).revision);
    await replica.signal("SIGTERM");
    expect(await replica.ended()).toBe(0);
    await until("it is forgotten", async () => !(await workers())?.includes("r-9"), { seconds: 5 });
    await replica.remove();
  });

  it("counts a killed replica as silent, not as live, and forgets it after ten minutes", async () => {
    const killed = await start({ major, ...lab.access, role: "replica", worker: "r-8" });
    const list = async () => (await editor.status()).replicas ?? [];
    const one = async () => (await list()).find(({ worker }) => worker === "r-8");
    await until("the editor sees it", async () => (await one())?.state === "running");
    await killed.signal("SIGKILL");
    await killed.ended();
    await killed.remove();
    await lab.unheard("r-8", 15);
    const late = await until("it is known to be late", async () => {
      const found = await one();
      return found && Date.now() - new Date(found.lastSeen).getTime() > 15_000 && found;
    });
    expect(late).not.toHaveProperty("silent");
    await lab.unheard("r-8", 15);
    await until("it is silent", async () => (await one())?.silent);
    expect(await metric(editor, "replicas")).toBe(3);
    expect(await metric(editor, "replicas_live")).toBe(2);
    await lab.unheard("r-8", 600);
    await until("it is forgotten", async () => (await list()).length === 2);
  });

  it("counts what the store tells", async () => {
    const all = [editor, ...replicas];
    const counts = (name: string) => Promise.all(all.map((runtime) => metric(runtime, name)));
    const before = await counts("store_events_total");
    await onAll(await person.deploy([...base, ...counted("moving", "a", "/a", "told")]));
    await until("each has been told", async () => {
      const now = await counts("store_events_total");
      return now.every((events, index) => events > (before[index] ?? Number.NaN));
    });
  });

  it("brings an empty flow set to every replica, and the next one", async () => {
    await onAll(await person.deploy([...base, ...counted("moving", "a", "/a", "there")]));
    expect(await asksAll("/a")).toEqual(replicas.map(() => expect.stringContaining("there")));
    await onAll(await person.deploy([]));
    expect(await person.load()).toEqual([]);
    for (const path of ["/a", "/other"]) expect(await asksAll(path)).toEqual(["404", "404"]);
    await onAll(await person.deploy([...base, ...counted("moving", "a", "/a", "again")]));
    expect(await asksAll("/a")).toEqual(replicas.map(() => expect.stringContaining("again")));
  });

  it("leaves another cluster on the same servers alone, and is left alone by it", async () => {
    const beside = lab.beside();
    await beside.addUser("admin", "admin");
    const access = { major, ...beside.access };
    const [theirs, replica] = await Promise.all([
      start({ ...access, role: "editor" }),
      start({ ...access, role: "replica", worker: "r-0" }),
    ]);
    try {
      const stranger = await Editor.login(theirs);
      await stranger.load();
      for (const [here, there, saves] of [
        [stranger, [editor, ...replicas], [theirs, replica]],
        [person, [theirs, replica], [editor, ...replicas]],
      ] as const) {
        const before = await Promise.all(there.map(loads));
        for (const text of ["one", "two", "three"]) {
          const revision = await here.deploy([...base, ...counted("moving", "a", "/a", text)]);
          for (const runtime of saves) await runtime.reaches(revision);
        }
        expect(await Promise.all(there.map(loads))).toEqual(before);
      }
      const known = async ({ status }: Runtime) => (await status()).replicas?.map((r) => r.worker);
      expect(await known(theirs)).toEqual(["r-0"]);
      expect((await known(editor))?.sort()).toEqual(["r-0", "r-1"]);
    } finally {
      await Promise.all([theirs.remove(), replica.remove()]);
    }
  });

  it("goes back to an old revision by the command line, credentials and all", async () => {
    const target = `${replicas[0]?.url}/echo`;
    const flows = (text: string, password: string) => [
      ...base,
      ...counted("moving", "a", "/a", text),
      ...credentialNode("moving", "c", "/c", target, password),
    ];
    const good = await person.deploy(flows("good", "old"));
    await onAll(await person.deploy(flows("bad", "new")));
    const listed = (await printed("revisions", "main")) as { revision: number }[];
    expect(listed.map(({ revision }) => revision)).toContain(good);
    expect(listed[0]).toMatchObject({ revision: good + 1, user: "admin" });
    const done = await printed("rollback", "main", String(good));
    expect(done).toEqual({ revision: good + 2, restored: good });
    const who = process.env.SUDO_USER ?? userInfo().username;
    const [newest] = await printed("revisions", "main");
    expect(newest).toMatchObject({ revision: good + 2, user: `${who}, rollback to ${good}` });
    await onAll(good + 2);
    await editor.reaches(good + 2);
    expect(await asksAll("/a")).toEqual(replicas.map(() => expect.stringContaining("good")));
    const expected = `Basic ${Buffer.from("u:old").toString("base64")}`;
    expect(await ask(replicas[0] as Runtime, "/c")).toBe(expected);
    await expect(printed("rollback", "main", "4711")).rejects.toThrow(/revision 4711 is not kept/);
    await person.load();
  });

  it("pushes the convergence to open editors", async () => {
    const socket = new WebSocket(`${editor.url.replace("http", "ws")}/comms`);
    const comms = await Comms.login(socket, person.token);
    const seen = () =>
      comms.messages
        .filter(({ topic }) => topic === "redfleet/fleet")
        .map(({ data }) => data as { live: number; total: number; revision: number });
    comms.subscribe("redfleet/#");
    await until("the present state is told to a new editor", () => seen().length > 0);
    const revision = await person.deploy([...base, ...counted("moving", "a", "/a", "pushed")]);
    await until("all are live", () =>
      seen().some((fleet) => fleet.revision === revision && fleet.live === 2 && fleet.total === 2),
    );
    comms.close();
  });
});
