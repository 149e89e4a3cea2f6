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
import { addUser, PASSWORD } from "./support/editor.ts";
import { credentialNode } from "./support/flows.ts";
import {
  apart,
  plainUserDir,
  saveAsHardillb,
  savedByScalingPlugin,
  startClusterKeys,
} from "./support/old-systems.ts";
import { type Runtime, start } from "./support/runtime.ts";

const NO_CHOICE: SourceOptions = { prefix: "nodered:" };
const ONCE = { replace: false, dryRun: false };
const DOUBLE = { name: "tools/double", text: "msg.payload *= 2;\nreturn msg;" };

let mongodb: LocalReplicaSet;
let tenant: Runtime;
let admin: AdminApi;

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

async function libraryEntry(path: string): Promise<string> {
  const login = await fetch(`${tenant.url}/auth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_id: "node-red-admin",
      grant_type: "password",
      scope: "*",
      username: "admin",
      password: PASSWORD,
    }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${tenant.url}/library/local/functions/${path}`, { headers })).text();
}

async function refusal(work: Promise<unknown>): Promise<CliError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(CliError);
  return outcome as CliError;
}

beforeAll(async () => {
  mongodb = await startReplicaSet();
  await addUser(mongodb.client, "tenant-import", "admin");
  const options = { uri: mongodb.uri, database: "tenant-import", secret: null };
  tenant = await start({ ...options, role: "instance" });
  const edge = { address: "127.0.0.1", trustFile: null };
  admin = await new AdminApi(edge, tenant.url).login("admin", PASSWORD);
});
afterAll(async () => {
  await tenant?.remove();
  await mongodb?.close();
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
      expect(await answer("/ask")).toBe(SEEN);
      expect(await libraryEntry(DOUBLE.name)).toBe(DOUBLE.text);
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
    expect(await libraryEntry(DOUBLE.name)).toBe(DOUBLE.text);
  });

  it("carries one of several hardillb instances over", async () => {
    const { flows, credentials } = stored();
    await saveAsHardillb(mongodb.client, "hosted", "one", flows, credentials);
    await saveAsHardillb(mongodb.client, "hosted", "two", [tab("other")], {});
    const source = mongodb.uri.replace("/?", "/hosted?");
    const unsure = await refusal(readSource(source, NO_CHOICE));
    expect([unsure.why, unsure.fix].join("\n")).toMatch(/has one, two\n--app <name>/);
    const found = await readSource(source, { ...NO_CHOICE, app: "one" });
    await applyImport(found, admin, ONCE);
    expect(await answer("/ask")).toBe(SEEN);
    expect(await libraryEntry("tools/double")).toBe("return msg;");
  });

  it("carries node-red-cluster's keys over", async () => {
    const { flows, credentials } = stored();
    const keys = await startClusterKeys(flows, credentials);
    try {
      const missing = await refusal(readSource(keys.url, NO_CHOICE));
      expect(missing.fix).toContain("--credential-secret-file");
      const options = { ...NO_CHOICE, credentialSecret: "of the cluster" };
      const report = await applyImport(await readSource(keys.url, options), admin, ONCE);
      expect(report.leftOut).toEqual(["context: 1 keys"]);
      expect(await answer("/ask")).toBe(SEEN);
    } finally {
      await keys.close();
    }
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
    const dry = await applyImport(next, admin, { replace: true, dryRun: true });
    expect(dry).toMatchObject({ applied: false, replaced: 4 });
    expect(await answer("/mine")).toBe("1");
    await applyImport(next, admin, { replace: true, dryRun: false });
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
