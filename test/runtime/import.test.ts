import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AdminApi } from "../../cli/edge/admin.ts";
import { CliError } from "../../cli/errors.ts";
import { applyImport } from "../../cli/import/apply.ts";
import { readSource } from "../../cli/import/source.ts";
import type { SourceOptions } from "../../cli/import/types.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { addUser, Editor, PASSWORD } from "./support/editor.ts";
import { credentialNode } from "./support/flows.ts";
import {
  apart,
  asClusterValue,
  clusterKeys,
  type KeyStore,
  plainUserDir,
  saveAsHardillb,
  savedByScalingPlugin,
  startKeyStore,
} from "./support/old-systems.ts";
import { type Runtime, start } from "./support/runtime.ts";

const NO_CHOICE: SourceOptions = { prefix: "nodered:" };
const ONCE = { into: "acme", replace: false, dryRun: false };
const DOUBLE = { name: "tools/double", text: "msg.payload *= 2;\nreturn msg;" };

/** Of a node-red-cluster. */
const WITH_SECRET = { ...NO_CHOICE, credentialSecret: "of the cluster" };

let mongodb: LocalReplicaSet;
let keys: KeyStore;
let tenant: Runtime;
let admin: AdminApi;
let person: Editor;

/** `GET /whoami` answers the password that the imported credentials hold, as the server saw it. */
function flowsWithPassword(): FlowNode[] {
  const whoami = answering("t", "whoami", "/seen", "msg.payload = msg.req.headers.authorization;");
  return [
    tab("t"),
    ...whoami,
    ...credentialNode("t", "ask", "/ask", `${tenant.url}/seen`, "s3cret"),
  ];
}

const SEEN = `Basic ${Buffer.from("u:s3cret").toString("base64")}`;
const answer = async (path: string) => (await fetch(`${tenant.url}${path}`)).text();

const stored = () => apart(flowsWithPassword());

/** What the library answers at a path: the text of an entry, or what a folder has. */
const library = async (path: string) => (await person.call(`/library/local/${path}`)).text();

async function refusal(work: Promise<unknown>): Promise<CliError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(CliError);
  return outcome as CliError;
}

beforeAll(async () => {
  [mongodb, keys] = await Promise.all([startReplicaSet(), startKeyStore()]);
  await addUser(mongodb.client, "tenant-import", "admin");
  const options = { uri: mongodb.uri, database: "tenant-import", secret: null };
  tenant = await start({ ...options, role: "instance" });
  const edge = { address: "127.0.0.1", trustFile: null };
  admin = await new AdminApi(edge, tenant.url).login("admin", PASSWORD);
  person = await Editor.login(tenant);
});
afterAll(async () => {
  await tenant?.remove();
  await Promise.all([mongodb?.close(), keys?.close()]);
});

beforeEach(async () => {
  const { rev } = await admin.flows();
  await admin.deploy([], rev);
});

describe("an import", () => {
  it("carries a plain Node-RED's user directory over, credentials and library too", async () => {
    const plain = await plainUserDir(flowsWithPassword(), DOUBLE);
    try {
      const found = await readSource(plain.folder, NO_CHOICE);
      const report = await applyImport(found, admin, ONCE);
      expect(report).toMatchObject({ tabs: 1, nodes: 6, credentials: 1, library: 1, replaced: 0 });
      expect(report.leftOut).toEqual([
        "settings.js: its settings, and its users where it has some",
        "settings: those of the editor and of its users",
      ]);
      expect(await answer("/ask")).toBe(SEEN);
      expect(await library(`functions/${DOUBLE.name}`)).toBe(DOUBLE.text);
    } finally {
      plain.remove();
    }
  });

  it("carries over what the HTTP scaling plugin has stored", async () => {
    savedByScalingPlugin(mongodb.uri, "scaled", stored().flows, DOUBLE);
    const source = mongodb.uri.replace("/?", "/scaled?");
    const report = await applyImport(await readSource(source, NO_CHOICE), admin, ONCE);
    expect(report.leftOut.join()).toMatch(/credentials/);
    expect(await answer("/seen")).not.toContain("Cannot GET");
    expect((await admin.flows()).flows.every((node) => !("instanceId" in node))).toBe(true);
    expect(await library(`functions/${DOUBLE.name}`)).toBe(DOUBLE.text);
  });

  it("leaves out what another system has in that database", async () => {
    savedByScalingPlugin(mongodb.uri, "shared", stored().flows, DOUBLE);
    const order = { path: "/orders/1", meta: "gold", body: "two of them" };
    await mongodb.client.db("shared").collection("orders").insertOne(order);
    const source = mongodb.uri.replace("/?", "/shared?");
    const { library: entries, leftOut } = await readSource(source, NO_CHOICE);
    expect(entries.map(({ path }) => path)).toEqual([DOUBLE.name]);
    expect(leftOut).toContain(
      'library: 1 documents of the collection "orders", whose meta or body is not JSON',
    );
  });

  it("finds the flows of that plugin in a collection of another name", async () => {
    const { flows } = stored();
    savedByScalingPlugin(mongodb.uri, "renamed", flows, DOUBLE, "shop");
    const source = mongodb.uri.replace("/?", "/renamed?");
    const report = await applyImport(await readSource(source, NO_CHOICE), admin, ONCE);
    expect(report).toMatchObject({ nodes: flows.length - 1, library: 1 });
    savedByScalingPlugin(mongodb.uri, "renamed", [tab("mine")], DOUBLE, "flows");
    const unsure = await refusal(readSource(source, NO_CHOICE));
    expect(unsure.what).toBe("several collections of flows to choose from");
    expect([unsure.why, unsure.fix].join("\n")).toMatch(/has flows in flows, shop\n--collection/);
    const chosen = await readSource(source, { ...NO_CHOICE, collection: "flows" });
    expect(chosen.flows.map(({ id }) => id)).toEqual(["mine"]);
    const none = await refusal(readSource(source, { ...NO_CHOICE, collection: "functions" }));
    expect(none.what).toBe('no flows in a collection "functions"');
  });

  it("carries one of several hardillb instances over", async () => {
    const { flows, credentials } = stored();
    await saveAsHardillb(mongodb.client, "hosted", "one", flows, credentials);
    await saveAsHardillb(mongodb.client, "hosted", "two", [tab("other")], {});
    const source = mongodb.uri.replace("/?", "/hosted?");
    const unsure = await refusal(readSource(source, NO_CHOICE));
    expect([unsure.why, unsure.fix].join("\n")).toMatch(/has one, two\n--app <name>/);
    const found = await readSource(source, { ...NO_CHOICE, app: "one" });
    const { leftOut } = await applyImport(found, admin, ONCE);
    expect(leftOut).toEqual([
      "settings: those of the editor and of its users",
      "sessions: everybody logs in anew",
      "users: 1; their password hashes are too weak to keep",
    ]);
    expect(await answer("/ask")).toBe(SEEN);
    expect(await library("functions/tools/double")).toBe("return msg;");
  });

  it("carries node-red-cluster's keys over", async () => {
    const { flows, credentials } = stored();
    const fn = [{ id: "kept", type: "inject", z: "t" }];
    await keys.holds({
      ...clusterKeys(flows, credentials),
      "nodered:library:flows:kept/one": asClusterValue({ fn: JSON.stringify(fn) }),
    });
    const missing = await refusal(readSource(keys.url, NO_CHOICE));
    expect(missing.fix).toContain("--credential-secret-file");
    const report = await applyImport(await readSource(keys.url, WITH_SECRET), admin, ONCE);
    expect(report).toMatchObject({ tabs: 1, nodes: 6, credentials: 1, library: 2, context: 0 });
    expect(report.modules).toEqual({ "node-red-contrib-gone": "1.2.3" });
    expect(report.notes).toEqual([]);
    expect(report.leftOut).toEqual([
      "context: 1 values; acme has no shared context, as only clusters have",
      "settings: those of the editor and of its users",
      "sessions: everybody logs in anew",
      "users: they are in the old settings.js; npx redfleet user add lets them in here",
    ]);
    expect(await answer("/ask")).toBe(SEEN);
    expect(await library("functions/tools/double")).toBe("return msg;");
    expect(JSON.parse(await library("functions/tools"))).toEqual([{ outputs: 1, fn: "double" }]);
    expect(JSON.parse(await library("flows/kept/one"))).toEqual(fn);
  });

  it("takes the flows of a node-red-cluster that nobody has deployed to yet", async () => {
    const { flows } = stored();
    await keys.holds({ "mine:flows": asClusterValue(flows) });
    const found = await readSource(keys.url, { prefix: "mine:" });
    expect(found.flows).toEqual(flows);
    expect(found.leftOut).toHaveLength(1);
  });
});

describe("an import is refused, and nothing changed,", () => {
  const found = (flows: unknown) => ({
    system: "a test",
    flows: flows as FlowNode[],
    credentials: {},
    library: [],
    modules: { "node-red-contrib-gone": "1.2.3" },
    leftOut: [],
  });

  it("when flows are there, until --replace says that they may go", async () => {
    const mine = [tab("mine"), ...answering("mine", "m", "/mine", "msg.payload = 1;")];
    await admin.deploy(mine, (await admin.flows()).rev);
    const next = found([tab("next")]);
    expect((await refusal(applyImport(next, admin, ONCE))).what).toBe(
      "there are flows already: 4 nodes",
    );
    expect(await answer("/mine")).toBe("1");
    const dry = await applyImport(next, admin, { ...ONCE, replace: true, dryRun: true });
    expect(dry).toMatchObject({ applied: false, replaced: 4 });
    expect(await answer("/mine")).toBe("1");
    await applyImport(next, admin, { ...ONCE, replace: true });
    expect((await admin.flows()).flows.map(({ id }) => id)).toEqual(["next"]);
  });

  it("with all problems of the flows at once", async () => {
    const broken = found([tab("a"), { id: "a", type: "debug" }, { type: "x" }, { id: "b" }, null]);
    const { why } = await refusal(applyImport(broken, admin, ONCE));
    expect(why?.split("\n")).toEqual([
      'flows[1].id: "a" is there twice',
      "flows[2].id: undefined; must be a text",
      "flows[3].type: undefined; must be a text (node b)",
      "flows[4].id: undefined; must be a text",
    ]);
    const foreign = found([tab("a"), { id: "n", type: "gone", z: "a" }]);
    expect((await refusal(applyImport(foreign, admin, ONCE))).why).toBe(
      'type "gone" (1 nodes) is not in the palette here; ' +
        "the source has the modules node-red-contrib-gone@1.2.3",
    );
  });

  it("when the source is not what it should be", async () => {
    const nothing = await refusal(readSource("/nowhere", NO_CHOICE));
    expect(nothing.what).toBe("there is no directory /nowhere");
    const empty = mongodb.uri.replace("/?", "/empty?");
    expect((await refusal(readSource(empty, NO_CHOICE))).what).toContain('database "empty"');
    const down = await refusal(readSource("redis://127.0.0.1:1/0", NO_CHOICE));
    expect(down.what).toBe("the Valkey or Redis to import from does not let itself be read");
    const scheme = await refusal(readSource("ftp://host/flows", NO_CHOICE));
    expect(scheme.what).toBe('"ftp://" is no source to import from');
  });

  it("when keys of node-red-cluster hold something else", async () => {
    const flows = asClusterValue({ flows: [tab("t")], rev: "0" });
    const told = async (values: Record<string, string>) => {
      await keys.holds(values);
      const { what, why } = await refusal(readSource(keys.url, NO_CHOICE));
      return `${what}: ${why}`;
    };
    expect(await told({ "other:flows": flows })).toMatch(/^there is no key "nodered:flows"/);
    expect(await told({ "nodered:flows": '{"rev":"0"}' })).toMatch(
      /^"nodered:flows" holds no flows: .* a list of nodes there, or \{flows, rev\}/,
    );
    expect(await told({ "nodered:flows": "gzip:cut off" })).toMatch(
      /^the value of "nodered:flows" cannot be read: /,
    );
    await keys.holds({ "nodered:flows": flows });
    await keys.client.lpush("nodered:credentials", "a list");
    expect((await refusal(readSource(keys.url, NO_CHOICE))).what).toBe(
      'the value of "nodered:credentials" cannot be read',
    );
    const entry = "nodered:library:functions:tools/double";
    expect(await told({ "nodered:flows": flows, [entry]: '{"outputs":1}' })).toMatch(
      /^the library entry "nodered:library:functions:tools\/double" has no text: .* as fn$/,
    );
    await keys.holds({
      "nodered:flows": flows,
      "nodered:library:flows:kept": '{"fn":"no flows"}',
    });
    const { why } = await refusal(applyImport(await readSource(keys.url, NO_CHOICE), admin, ONCE));
    expect(why).toBe("library entry flows/kept: its text is no JSON");
  });

  it("when a document of hardillb's holds something else", async () => {
    const db = mongodb.client.db("half");
    await db.collection("flows").insertOne({ appname: "one", flow: [tab("t")] });
    await db.collection("credentials").insertOne({ appname: "one", credentials: '{"$":' });
    const source = mongodb.uri.replace("/?", "/half?");
    expect((await refusal(readSource(source, NO_CHOICE))).what).toBe(
      'the document of "one" in the collection "credentials" cannot be read',
    );
  });

  it("when the credentials are under another secret", async () => {
    const plain = await plainUserDir(flowsWithPassword(), DOUBLE);
    try {
      const options = { ...NO_CHOICE, credentialSecret: "a wrong one" };
      const wrong = await refusal(readSource(plain.folder, options));
      expect(wrong.what).toBe("the credentials cannot be decrypted");
      writeFileSync(join(plain.folder, "flows.json"), '[{"id":');
      const half = await refusal(readSource(plain.folder, NO_CHOICE));
      expect(half.what).toMatch(/flows\.json cannot be read$/);
    } finally {
      plain.remove();
    }
  });

  it("when the password is wrong", async () => {
    const edge = { address: "127.0.0.1", trustFile: null };
    const other = new AdminApi(edge, tenant.url);
    expect((await refusal(other.login("admin", "not it"))).fix).toContain("--password-file");
  });
});
