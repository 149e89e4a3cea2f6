import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FlowNode, tab, through } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { until } from "../support/wait.ts";
import { addUser, Editor, login as logInTo } from "./support/editor.ts";
import { metric } from "./support/metrics.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

let mongodb: LocalReplicaSet;
beforeAll(async () => {
  mongodb = await startReplicaSet();
});
afterAll(() => mongodb?.close());

/** A node set as `GET /nodes` lists it. */
interface NodeSet {
  readonly id: string;
  readonly types: string[];
  readonly enabled: boolean;
  readonly err?: string;
}

const at = { x: 100, y: 100 };

/** http in → `type` → http response. */
const between = (z: string, id: string, fields: { type: string; [field: string]: unknown }) =>
  through({ ...fields, id: `${id}-fn`, z, ...at }, id, `/${id}`);

/** Core node files whose code a process has not loaded, as its metrics tell. */
const waiting = (runtime: Runtime) => metric(runtime, "node_files_waiting");

const csvFields = { sep: ",", hdrin: true, hdrout: "none", multi: "one" };
const csv = between("t", "csv", { type: "csv", ...csvFields });

describe.each<Major>([5, 4])("the palette of Node-RED %i", (major) => {
  const database = `palette-${major}`;
  let tenant: Runtime;
  let person: Editor;

  beforeAll(async () => {
    await addUser(mongodb.client, database, "admin");
    tenant = await start({ uri: mongodb.uri, database, role: "instance", major, secret: null });
    person = await Editor.login(tenant);
    await person.load();
  });
  afterAll(() => tenant?.remove());

  const ask = async (path: string, init?: RequestInit) =>
    (await fetch(`${tenant.url}${path}`, init)).text();
  const list = async () =>
    (await (
      await person.call("/nodes", { headers: { accept: "application/json" } })
    ).json()) as NodeSet[];

  it("lists every core node as enabled and without an error, with its template", async () => {
    const sets = (await list()).filter(({ id }) => id.startsWith("node-red/"));
    expect(sets.length).toBeGreaterThan(30);
    expect(sets.filter(({ enabled, err }) => !enabled || err)).toEqual([]);
    const templates = await (
      await person.call("/nodes", { headers: { accept: "text/html" } })
    ).text();
    for (const { id, types } of sets) {
      expect(templates).toContain(`[red-module:${id}]`);
      for (const type of types) expect(templates).toContain(`data-template-name="${type}"`);
    }
  });

  it("gives the editor the settings and routes of nodes that no flow uses", async () => {
    const settings = await (await person.call("/settings")).json();
    expect(settings).toMatchObject({
      functionExternalModules: false,
      tlsConfigDisableLocalFiles: true,
      diagnostics: { enabled: false, ui: false },
      runtimeState: { enabled: false, ui: false },
      telemetryEnabled: false,
      editorTheme: { projects: { enabled: false } },
    });
    for (const path of ["/diagnostics", "/projects"]) {
      expect((await person.call(path)).status, path).toBeOneOf([403, 404]);
    }
    const stop = { method: "POST", body: JSON.stringify({ state: "stop" }) };
    expect((await person.call("/flows/state", stop)).status).toBeOneOf([403, 404, 405]);
    // A day, and not Node-RED's week.
    const login = (await (await logInTo(tenant, "admin")).json()) as { expires_in: number };
    expect(login.expires_in).toBeLessThanOrEqual(86_400);
    expect((await person.call("/debug/view/view.html")).status).toBe(200);
    expect((await person.call("/debug/view/debug-utils.js")).status).toBe(200);
    expect((await person.call("/inject/none", { method: "POST" })).status).toBe(404);
    expect((await person.call("/library/local/functions/")).status).toBe(200);
  });

  it("runs a type from the first deploy that uses it, also inside a subflow", async () => {
    const before = await waiting(tenant);
    await person.deploy([tab("t"), ...between("t", "yaml", { type: "yaml", property: "payload" })]);
    expect(await ask("/yaml")).toBe("{}\n");
    expect(await waiting(tenant)).toBe(before - 2);
    const inside: FlowNode = { id: "xml", type: "xml", z: "sub", property: "payload", ...at };
    await person.deploy([tab("t"), { id: "sub", type: "subflow", name: "sub" }, inside]);
    expect(await waiting(tenant)).toBe(before - 3);
  });

  it("knows the credentials of a type before its first node runs", async () => {
    const broker = { id: "broker", type: "mqtt-broker", broker: "127.0.0.1", port: "1" };
    const user = { ...broker, credentials: { user: "u", password: "p" } } as FlowNode;
    await person.deploy([tab("t"), user]);
    const answer = await person.call("/credentials/mqtt-broker/broker");
    expect(await answer.json()).toEqual({ user: "u", has_password: true });
  });

  it("stops a flow with a type that nobody knows, and says which", async () => {
    const unknown = { id: "u", type: "no such type", z: "t", ...at, wires: [] };
    await person.deploy([tab("t"), ...csv, unknown]);
    // Both come a moment after the deploy's answer.
    const told = async () => (await tenant.status()).error?.includes("no such type");
    await until("the status names it", told);
    const logs = await until("the log names it", async () => {
      const text = await tenant.logs();
      return text.includes("no such type") && text;
    });
    expect(logs).not.toContain("- csv");
    await person.deploy([tab("t")]);
  });

  it("disables and enables a type that no flow has used yet", async () => {
    const set = (enabled: boolean) =>
      person.call("/nodes/node-red/batch", { method: "PUT", body: JSON.stringify({ enabled }) });
    expect((await set(false)).status).toBe(200);
    expect((await list()).find(({ id }) => id === "node-red/batch")?.enabled).toBe(false);
    expect((await set(true)).status).toBe(200);
    const batch = { mode: "count", count: 1, overlap: 0, interval: 10, topics: [] };
    const nodes = between("t", "batch", { type: "batch", ...batch });
    await person.deploy([tab("t"), ...nodes]);
    expect(await ask("/batch")).toBe("{}");
    expect((await set(false)).status).toBe(400);
  });

  it("keeps a disabled type out of the next process, until it is enabled there", async () => {
    await person.deploy([tab("t")]);
    const set = (who: Editor, enabled: boolean) =>
      who.call("/nodes/node-red/delay", { method: "PUT", body: JSON.stringify({ enabled }) });
    expect((await set(person, false)).status).toBe(200);
    const next = await start({ uri: mongodb.uri, database, role: "instance", major, secret: null });
    try {
      const other = await Editor.login(next);
      await other.load();
      expect((await set(other, true)).status).toBe(200);
      const delay = { pauseType: "delay", timeout: "1", timeoutUnits: "milliseconds" };
      const nodes = between("t", "later", { type: "delay", ...delay });
      await other.deploy([tab("t"), ...nodes]);
      expect((await fetch(`${next.url}/later`)).status).toBe(200);
    } finally {
      await next.remove();
    }
  });
});

describe.each<Major>([5, 4])("every type of Node-RED %i", (major) => {
  it("runs on a replica, from the first revision that names it", async () => {
    const database = `palette-all-${major}`;
    await addUser(mongodb.client, database, "admin");
    const common = { uri: mongodb.uri, database, major };
    const runtimes = await Promise.all([
      start({ ...common, role: "editor" }),
      start({ ...common, role: "replica" }),
    ]);
    const [editor, replica] = runtimes;
    try {
      const person = await Editor.login(editor);
      await person.load();
      const answer = await person.call("/nodes", { headers: { accept: "application/json" } });
      const types = ((await answer.json()) as NodeSet[]).flatMap((set) => set.types);
      expect(types).toContain("http request");
      const nodes = types
        .filter((type) => type !== "unknown")
        .map((type, index): FlowNode => ({ id: `n${index}`, type, z: "t", d: true, ...at }));
      const revision = await person.deploy([
        tab("t"),
        ...nodes.map((it) => ({ ...it, wires: [] })),
      ]);
      await replica.reaches(revision);
      expect((await replica.status()).error).toBeUndefined();
    } finally {
      await Promise.all(runtimes.map((runtime) => runtime.remove()));
    }
  });
});

describe("the code of nodes", () => {
  it("is loaded file by file, by the flows that use it, on editor and replica", async () => {
    const database = "palette-code";
    await addUser(mongodb.client, database, "admin");
    const common = { uri: mongodb.uri, database };
    const runtimes = await Promise.all([
      start({ ...common, role: "editor" }),
      start({ ...common, role: "replica" }),
    ]);
    const [editor, replica] = runtimes;
    const count = () => Promise.all(runtimes.map(waiting));
    try {
      const person = await Editor.login(editor);
      await person.load();
      const [onEditor, onReplica] = (await count()) as [number, number];
      expect(onReplica).toBeGreaterThan(onEditor);
      expect(onEditor).toBeGreaterThan(20);
      // http in and http response are of one file.
      await replica.reaches(await person.deploy([tab("t"), ...csv]));
      expect(await count()).toEqual([onEditor - 2, onReplica - 2]);
      expect((await fetch(`${replica.url}/csv`)).status).toBe(200);
      await replica.reaches(await person.deploy([tab("t"), ...csv, tab("u")]));
      expect(await count()).toEqual([onEditor - 2, onReplica - 2]);
    } finally {
      await Promise.all(runtimes.map((runtime) => runtime.remove()));
    }
  });
});
