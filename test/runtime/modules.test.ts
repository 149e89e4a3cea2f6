import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeRedEnvironment } from "../../images/node-red/runtime/environment.ts";
import { answersBy, type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { nodeModule } from "../support/npm-packages.ts";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry.ts";
import { until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { using } from "./support/modules.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

let mongodb: LocalReplicaSet;
let registry: NpmRegistry;
beforeAll(async () => {
  [mongodb, registry] = await Promise.all([startReplicaSet(), startNpmRegistry()]);
  registry.publish(nodeModule("node-red-contrib-stamp", "1.0.0", "stamp", '"stamp"'));
  registry.publish(nodeModule("@acme/scoped-stamp", "2.1.0", "scoped", '"scoped"'));
  registry.publish(nodeModule("@acme/evil", "1.0.0", "evil", '"evil"'));
  registry.publish(nodeModule("other-stamp", "1.0.0", "other", '"other"'));
  registry.publish(nodeModule("@acme/insider", "1.0.0", "insider", INSIGHT));
});
afterAll(() => Promise.all([mongodb?.close(), registry?.close()]));

/** What a node sees of Node-RED's own modules: that they are the ones that run, and how their errors are told. */
const INSIGHT = `(() => {
  const { createRequire } = require("node:module");
  const shared = [
    require("/app/node_modules/node-red").util === RED.util,
    createRequire("/app/node_modules/node-red/lib/red.js")("@node-red/util").util === RED.util,
    require.cache["/app/node_modules/@node-red/util/index.js"].require("@node-red/util").util === RED.util,
  ];
  try { RED.util.normalisePropertyExpression("a["); } catch ({ stack }) {
    const [, file, line] = /\\((.+):(\\d+):/.exec(stack);
    const source = require("node:fs").readFileSync(file, "utf8").split("\\n")[line - 1].trim();
    return { shared, file, source };
  }
})()`;

describe.each<Major>([5, 4])("a tenant's modules on Node-RED %i", (major) => {
  const database = `modules-${major}`;
  let tenant: Runtime;
  let person: Editor;

  const begin = async (more: Partial<NodeRedEnvironment>) => {
    const { files, environment } = using(registry);
    const common = { major, uri: mongodb.uri, database, secret: null, keepsData: true, files };
    tenant = await start({ ...common, role: "instance", environment: { ...environment, ...more } });
    person = await Editor.login(tenant);
    await person.load();
  };
  beforeAll(async () => {
    await addUser(mongodb.client, database, "admin");
    await begin({
      REDFLEET_MODULES: "node-red-contrib-stamp@1.0.0",
      REDFLEET_PALETTE_ALLOW: "@acme/*",
      REDFLEET_PALETTE_DENY: "@acme/evil",
    });
  });
  afterAll(() => tenant?.remove());

  const installBy = (somebody: Editor, module: string) =>
    somebody.call("/nodes", { method: "POST", body: JSON.stringify({ module }) });
  const install = (module: string) => installBy(person, module);

  const flow = (type: string, path: string) => [tab("t"), ...answersBy("t", path, type)];

  it("has what the stack file declares before flows start", async () => {
    await person.deploy(flow("stamp", "/stamp"));
    expect(await (await fetch(`${tenant.url}/stamp`)).text()).toBe("stamp");
  });

  it("says which key names the authority of a registry that it does not know", async () => {
    const { files, environment } = using(registry);
    const { REDFLEET_NPM_CA_FILE: _, ...withoutCa } = environment as NodeRedEnvironment;
    const place = { major, uri: mongodb.uri, database: `${database}-blind` };
    await addUser(mongodb.client, place.database, "admin");
    const options = { ...place, secret: null, files, environment: withoutCa };
    const blind = await start({ ...options, role: "instance" });
    try {
      const answer = await installBy(await Editor.login(blind), "@acme/scoped-stamp");
      expect(answer.ok).toBe(false);
      const { message } = (await answer.json()) as { message: string };
      expect(message).toContain("name its file as registry.ca in the stack file");
    } finally {
      await blind.remove();
    }
  });

  it("asks no registry for what it has", async () => {
    const fetched = registry.fetched.length;
    registry.breakDown(true);
    await tenant.restart();
    expect(await (await fetch(`${tenant.url}/stamp`)).text()).toBe("stamp");
    expect((await tenant.status()).error).toBeUndefined();
    registry.breakDown(false);
    expect(registry.fetched).toHaveLength(fetched);
  });

  it("installs in the palette manager what is allowed, and nothing else", async () => {
    person = await Editor.login(tenant);
    for (const module of ["other-stamp", "@acme/evil"]) {
      expect(await (await install(module)).json()).toMatchObject({ code: "install_not_allowed" });
    }
    expect((await install("file:../x")).ok).toBe(false);
    expect((await install("@acme/scoped-stamp")).status).toBe(200);
  });

  it("gives a module the Node-RED that runs, with traces that name its files", async () => {
    expect((await install("@acme/insider")).status).toBe(200);
    await person.load();
    await person.deploy(flow("insider", "/insider"));
    expect(await (await fetch(`${tenant.url}/insider`)).json()).toEqual({
      shared: [true, true, true],
      file: "/app/node_modules/@node-red/util/lib/util.js",
      source: expect.stringContaining("new Error(message)"),
    });
  });

  it("does not know dangerous nodes, and says which are missing", async () => {
    const exec = { id: "x", type: "exec", z: "t", command: "id", x: 1, y: 1, wires: [] };
    await person.load();
    await person.deploy([tab("t"), exec as FlowNode]);
    const missing = "missing node types: exec";
    await until("it says so", async () => (await tenant.status()).error === missing);
    await tenant.restart();
    expect(await tenant.status()).toMatchObject({ state: "error", error: missing });
  });

  it("knows them where they are allowed", async () => {
    await tenant.remove();
    await begin({ REDFLEET_NODES_EXCLUDES: "10-file.js", REDFLEET_PALETTE_ALLOW: "" });
    expect(await tenant.status()).toMatchObject({ state: "running" });
    const answer = await person.call("/nodes", { headers: { accept: "application/json" } });
    const types = ((await answer.json()) as { types: string[] }[]).flatMap(({ types }) => types);
    expect(types).toEqual(expect.arrayContaining(["exec", "tcp in", "udp in", "watch"]));
    expect(types).not.toContain("file");
    expect((await install("other-stamp")).ok).toBe(false);
  });
});
