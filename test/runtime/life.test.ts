import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runtimeCommand } from "../../components/node-red/runtime.ts";
import { documentedFor, measuredIn } from "../support/documented-metrics.ts";
import { answering, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { pause, until } from "../support/wait.ts";
import { addUser, Editor, PASSWORD } from "./support/editor.ts";
import { credentialNode } from "./support/flows.ts";
import { expectNothingLost, startLoad } from "./support/load.ts";
import { launch, type Major, type Runtime, type RuntimeOptions, start } from "./support/runtime.ts";
import { slowDown } from "./support/slow-disk.ts";

const SECRET = "hunter2-of-robot";

let mongodb: LocalReplicaSet;
beforeAll(async () => {
  mongodb = await startReplicaSet();
});
afterAll(() => mongodb?.close());

describe.each<Major>([5, 4])("a tenant's own runtime on Node-RED %i", (major) => {
  const database = `tenant-${major}`;
  let tenant: Runtime;
  let person: Editor;

  beforeAll(async () => {
    await addUser(mongodb.client, database, "admin");
    const flowEnvironment = { GREETING: "hello", TOKEN: "t0ken" };
    const common = { uri: mongodb.uri, database, secret: null, flowEnvironment };
    tenant = await start({ ...common, role: "instance", major });
    person = await Editor.login(tenant);
    await person.load();
  });
  afterAll(() => tenant?.remove());

  it("edits and serves at the root, with its own environment", async () => {
    const code = 'msg.payload = [env.get("GREETING"), env.get("TOKEN"), env.get("REDFLEET_NAME")];';
    await person.deploy([tab("t"), ...answering("t", "hello", "/hello", code)]);
    const answer = (await (await fetch(`${tenant.url}/hello`)).json()) as string[];
    expect(answer.slice(0, 2)).toEqual(["hello", "t0ken"]);
    expect(answer[2] ?? null).toBeNull();
    expect((await fetch(`${tenant.url}/`)).status).toBe(200);
  });

  it("has none of the dangerous nodes", async () => {
    const answer = await person.call("/nodes", { headers: { accept: "application/json" } });
    const types = ((await answer.json()) as { types: string[] }[]).flatMap(({ types }) => types);
    expect(types).toEqual(expect.arrayContaining(["inject", "function", "http in", "mqtt in"]));
    for (const type of ["exec", "file", "file in", "watch", "tcp in", "udp in"]) {
      expect(types).not.toContain(type);
    }
  });

  it("does not load modules for function nodes", async () => {
    const libs = [{ var: "cp", module: "child_process" }];
    const [input, fn, output] = answering("t", "libs", "/libs", 'msg.payload = "ran";');
    const answer = await person.tryDeploy([tab("t"), input, { ...fn, libs }, output] as never);
    expect(await answer.json()).toEqual({
      code: "cannot_run",
      message: "Nothing was deployed: modules of functions: child_process (not allowed here)",
    });
    expect((await fetch(`${tenant.url}/hello`)).status).toBe(200);
  });

  it("logs as JSON what code prints", async () => {
    const code = 'console.log("printed %s", "text"); msg.payload = "ok";';
    await person.deploy([tab("t"), ...answering("t", "print", "/print", code)]);
    expect(await (await fetch(`${tenant.url}/print`)).text()).toBe("ok");
    // The engine's copy of the log comes a moment later.
    const printed = await until("the log has it", async () => {
      const lines = (await tenant.logs()).split("\n").filter(Boolean);
      return lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === "printed text");
    });
    expect(printed).toMatchObject({ level: "info", source: "console" });
  });

  it("measures itself", async () => {
    const text = await (await fetch(`${tenant.health}/metrics`)).text();
    expect(measuredIn(text)).toEqual(documentedFor("all"));
    const values = text.split("\n").filter((line) => line && !line.startsWith("#"));
    for (const line of values) expect(line).toMatch(/^redfleet_\w+\{[^}]+\} [\d.e+-]+$/);
  });

  /** This person deploys so often, waiting between two deploys, while clients ask. */
  const deployUnderLoad = async (count: number, waitMs: number) => {
    const flows = (mark: number) => [
      tab("t"),
      ...answering("t", "moving", "/moving", `msg.payload = ${mark};`),
      tab("u"),
      ...answering("u", "still", "/still", "msg.payload = 1;"),
    ];
    await person.deploy(flows(0));
    const loads = ["/moving", "/still"].map((path) => startLoad(tenant.url + path, 2));
    for (let mark = 1; mark <= count; mark++) {
      await person.deploy(flows(mark), mark % 4 === 0 ? "full" : "nodes");
      await pause(waitMs);
    }
    const results = await Promise.all(loads.map((load) => load.stop()));
    for (const { ok } of results) expect(ok).toBeGreaterThan(0);
    expectNothingLost(results);
  };

  it("loses nothing while a person deploys", async () => {
    await deployUnderLoad(8, 80);
  });

  // The last of this runtime: the disk stays slow.
  it("loses nothing when a deploy comes before the flows of the one before have started", async () => {
    await slowDown(tenant);
    await deployUnderLoad(5, 0);
  });
});

describe("the life of a process", () => {
  const common = () => ({ uri: mongodb.uri, database: "life" });

  it("refuses a wrong environment, whole, before anything else", async () => {
    const environment = { REDFLEET_HTTP_NODE_ROOT: "no", REDFLEET_GATE_SECONDS: "-1" };
    const runtime = await launch({ ...common(), role: "replica", environment });
    expect(await runtime.ended()).toBe(78);
    const logs = await runtime.logs();
    expect(logs).toContain("REDFLEET_HTTP_NODE_ROOT");
    expect(logs).toContain("REDFLEET_GATE_SECONDS");
    await runtime.remove();
  });

  it("starts with the code that was compiled for it, by the platform's own command", async () => {
    const flags = runtimeCommand(256).slice(1, -1);
    const runtimes = await Promise.all([
      start({ ...common(), role: "replica", worker: "fits", flags }),
      start({ ...common(), role: "replica", worker: "other", flags: ["--no-flush-bytecode"] }),
    ]);
    const logs = await Promise.all(runtimes.map((runtime) => runtime.logs()));
    const refused = logs.map((log) => log.includes("the compiled code does not fit"));
    expect(refused).toEqual([false, true]);
    await Promise.all(runtimes.map((runtime) => runtime.remove()));
  });

  it("logs JSON only, and neither a flow's credential nor the password of a person", async () => {
    const database = "life-log";
    await addUser(mongodb.client, database, "admin");
    const runtime = await start({ uri: mongodb.uri, database, role: "editor" });
    const person = await Editor.login(runtime);
    await person.load();
    // Nobody listens there: the node fails, and says so.
    const nowhere = "http://127.0.0.1:1/";
    await person.deploy([tab("t"), ...credentialNode("t", "ask", "/ask", nowhere, SECRET)]);
    await fetch(`${runtime.url}/red-nodes/ask`);
    const logs = await until("the log has the failure", async () => {
      const text = await runtime.logs();
      return text.includes("ECONNREFUSED") && text;
    });
    const lines = logs.split("\n").filter(Boolean);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ component: "editor" });
    for (const secret of [SECRET, PASSWORD, person.token]) expect(logs).not.toContain(secret);
    await runtime.remove();
  });

  const nobody = { host: "127.0.0.1", port: 1 };
  const login = { username: "robot", password: SECRET, prefix: "nr:x:" };
  it.each<[string, Partial<RuntimeOptions>]>([
    [
      "a MongoDB that nobody runs",
      { uri: `mongodb://robot:${SECRET}@127.0.0.1:1/?replicaSet=rs0` },
    ],
    ["a MongoDB that does not know it", { uri: "known" }],
    ["a MongoDB by a URI that is none", { uri: `mongodb://robot:${SECRET}%zz@127.0.0.1:1/` }],
    ["a Valkey that nobody runs", { valkey: { server: nobody, ...login } }],
    ["Sentinels that nobody runs", { valkey: { sentinels: [nobody], ...login } }],
  ])("tells that it does not reach %s, and not with which password", async (_, store) => {
    const known = mongodb.uri.replace("://", `://robot:${SECRET}@`);
    const uri = store.uri === "known" ? known : store.uri;
    const runtime = await launch({
      ...{ ...store, ...(uri !== undefined && { uri, database: "life" }), role: "replica" },
      environment: { REDFLEET_LOG_LEVEL: "debug" },
    });
    const logs = await until("it says so", async () => {
      const text = await runtime.logs();
      return /"level":"(warn|error)"/.test(text) && text;
    });
    expect(logs).not.toContain(SECRET);
    await runtime.remove();
  });

  it("drains: unready at once, serves on, finishes what runs, leaves with 0", async () => {
    await addUser(mongodb.client, "life", "admin");
    const [editor, replica] = await Promise.all([
      start({ ...common(), role: "editor" }),
      start({ ...common(), role: "replica" }),
    ]);
    const person = await Editor.login(editor);
    const wait = "await new Promise((go) => setTimeout(go, 1200)); msg.payload = 'done';";
    await replica.reaches(
      await person.deploy([
        tab("t"),
        ...answering("t", "slow", "/slow", wait),
        ...answering("t", "fast", "/fast", "msg.payload = 'fast';"),
      ]),
    );
    const slow = fetch(`${replica.url}/slow`);
    await pause(100);
    await replica.signal("SIGTERM");
    await until(
      "it is unready",
      async () => (await fetch(`${replica.health}/readyz`)).status === 503,
      { seconds: 1, every: 10 },
    );
    const fast = await fetch(`${replica.url}/fast`);
    expect(fast.status).toBe(200);
    expect(fast.headers.get("connection")).toBe("close");
    expect(await (await slow).text()).toBe("done");
    expect(await replica.ended()).toBe(0);
    // Others of this database have ended without a word, and are known for longer.
    const left = ({ worker }: { worker: string }) => worker !== replica.worker;
    await until("the editor knows", async () => (await editor.status()).replicas?.every(left));
    await Promise.all([replica.remove(), editor.remove()]);
  });
});
