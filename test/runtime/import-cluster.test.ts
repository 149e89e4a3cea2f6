import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminApi } from "../../cli/edge/admin.ts";
import type { CliError } from "../../cli/errors.ts";
import { applyImport } from "../../cli/import/apply.ts";
import { readSource } from "../../cli/import/source.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";
import { settingsOf, Worker } from "./support/context.ts";
import { addUser, Editor, PASSWORD } from "./support/editor.ts";
import { type Answer, asked, SERVER } from "./support/leader-flows.ts";
import {
  apart,
  asClusterValue,
  clusterKeys,
  type KeyStore,
  startKeyStore,
} from "./support/old-systems.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

const LONG = "long ".repeat(1000);
const NOTE =
  "flows that name no context store shared their values there, and each worker has its own here; " +
  "set clusters.main.context: { default: shared, synchronous: true }";

/** `GET /start` answers what the flows found in the global context when they started. */
const atStart: FlowNode[] = answering(
  "t",
  "start",
  "/start",
  'msg.payload = flow.get("found");',
).map((node) => ({
  ...node,
  ...(node.type === "function" && {
    initialize: `return new Promise((resolve) =>
        global.get("count", "shared", (_, count) => { flow.set("found", String(count)); resolve(); }));`,
  }),
}));
const FLOWS: FlowNode[] = [
  SERVER,
  tab("t"),
  ...atStart,
  ...asked("asked", { valkey: "server", name: "", lockKey: "nodered:leader", lockTTL: "10" }),
];

/** Context as node-red-cluster keeps it, under all three starts of its keys. */
const CONTEXT = {
  "nodered:context:global:count": 5,
  "nodered:context:t:a:b": { list: [1, null] },
  "nodered:nodered:context:t:letters": LONG,
  "nodered:nodered:context:global:count": 4,
  "context:start-fn:t:all calls": 7,
  "nodered:context:gone:t:count": 1,
};

describe.each<Major>([5, 4])(
  "an import of node-red-cluster into a cluster on Node-RED %i",
  (major) => {
    const database = `import-${major}`;
    let mongodb: LocalReplicaSet;
    let group: ValkeyGroup;
    let keys: KeyStore;
    let editor: Runtime;
    let sharing: Runtime;
    let admin: AdminApi;
    let outside: Worker;

    const adminOf = ({ url }: Runtime) =>
      new AdminApi({ address: "127.0.0.1", trustFile: null }, url).login("admin", PASSWORD);
    const { flows, credentials } = apart(FLOWS);
    const found = () =>
      readSource(keys.url, { prefix: "nodered:", credentialSecret: "of the cluster" });

    beforeAll(async () => {
      [mongodb, group, keys] = await Promise.all([
        startReplicaSet(),
        new ValkeyGroup().open(),
        startKeyStore(),
      ]);
      await addUser(mongodb.client, database, "admin");
      await addUser(mongodb.client, database, "guest", "read");
      await addUser(mongodb.client, `${database}-sharing`, "admin");
      const valkey = settingsOf(group);
      const common = { uri: mongodb.uri, major, role: "editor" } as const;
      const environment = { REDFLEET_CONTEXT_DEFAULT: "shared" } as const;
      [editor, sharing] = await Promise.all([
        start({ ...common, database, valkey }),
        start({
          ...common,
          database: `${database}-sharing`,
          valkey: settingsOf(group),
          environment,
        }),
      ]);
      admin = await adminOf(editor);
      outside = await new Worker(valkey).ready();
      const context = Object.entries(CONTEXT).map(([key, value]) => [key, asClusterValue(value)]);
      await keys.holds({
        ...clusterKeys(flows, credentials),
        ...Object.fromEntries(context),
        "nodered:context:global:broken": "gzip:cut off",
      });
    });
    afterAll(async () => {
      await outside?.close();
      await Promise.all([editor?.remove(), sharing?.remove()]);
      await Promise.all([group?.close(), mongodb?.close(), keys?.close()]);
    });

    it("says before what it would do, and what the stack file has to say", async () => {
      const wishes = { into: "main", replace: false, dryRun: true };
      const report = await applyImport(await found(), admin, wishes);
      expect(report).toMatchObject({ applied: false, context: 4, notes: [NOTE] });
      expect(await outside.keys("global")).toEqual([]);
      const there = await applyImport(await found(), await adminOf(sharing), wishes);
      expect(there).toMatchObject({ context: 4, notes: [] });
    });

    it("carries the shared context over, and the flows find it when they start", async () => {
      const wishes = { into: "main", replace: false, dryRun: false };
      const report = await applyImport(await found(), admin, wishes);
      expect(report).toMatchObject({ applied: true, context: 4, notes: [NOTE] });
      expect(report.leftOut.slice(0, 3)).toEqual([
        "context: 1 keys of scopes that these flows do not have: nodered:context:gone:t:count",
        "context: 1 keys whose value is not JSON: nodered:context:global:broken",
        "context: 1 keys that are there under another prefix too, and were taken from there: " +
          "nodered:nodered:context:global:count",
      ]);
      expect(await outside.get("global", "count")).toBe(5);
      expect(await outside.get("t", ['"a:b"', "letters"])).toEqual([{ list: [1, null] }, LONG]);
      expect(await outside.get("start-fn:t", "'all calls'")).toBe(7);
      expect(await (await fetch(`${editor.url}/red-nodes/start`)).text()).toBe("5");
    });

    it("carries the leader nodes over, with the server that they name and its password", async () => {
      const server = (await admin.flows()).flows.find(({ id }) => id === "server");
      const { credentials: _, ...named } = SERVER;
      expect(server).toEqual(named);
      const person = await Editor.login(editor);
      const kept = await person.call("/credentials/valkey-config/server");
      expect(await kept.json()).toEqual({ has_password: true });
      await until("this worker leads", async () => {
        const answer = await fetch(`${editor.url}/red-nodes/asked`);
        return ((await answer.json()) as Answer).output === 1;
      });
    });

    describe("is refused", () => {
      const again = { into: "main", replace: true, dryRun: false };
      const refusal = async (nodes: readonly FlowNode[]) => {
        await keys.holds({
          ...clusterKeys(nodes, {}),
          "nodered:context:global:count": asClusterValue("new"),
        });
        const outcome = applyImport(await found(), admin, again);
        return outcome.then(
          () => undefined,
          (error: CliError) => error,
        );
      };

      it("before it writes anything, for a module that functions may not load", async () => {
        const libs = [{ var: "fs", module: "fs/promises" }];
        const told = await refusal([tab("t"), { id: "f", type: "function", z: "t", libs }]);
        expect(told?.why).toBe(
          'module "fs" (1 functions) may not be loaded here; functionModules in the stack file allows it',
        );
        expect(await outside.get("global", "count")).toBe(5);
      });

      it("with what it had written, for what only the deploy finds", async () => {
        const env = [{ name: "REDFLEET_RUN_ON", value: "nowhere", type: "str" }];
        const told = await refusal([{ ...tab("t"), env }]);
        expect(told?.what).toBe("the deploy was refused with status 400");
        expect(told?.why).toMatch(/^Nothing was deployed: tab "t": REDFLEET_RUN_ON: "nowhere"/);
        const written = "written before, and not taken back: 1 values of the shared context";
        expect(told?.why?.split("\n")[1]).toBe(written);
        expect(told?.fix).toMatch(/import again: it writes all of it anew$/);
        expect(await outside.get("global", "count")).toBe("new");
        expect((await admin.flows()).flows.length).toBeGreaterThan(1);
      });
    });

    it("writes what it is asked to, for those who may", async () => {
      const person = await Editor.login(editor);
      const guest = await Editor.login(editor, "guest");
      const write = (by: Editor, values: unknown) =>
        by.call("/redfleet/context", { method: "POST", body: JSON.stringify({ values }) });
      const value = { scope: "global", key: "from.outside", value: null };
      expect((await write(guest, [value])).status).toBe(401);
      expect((await fetch(`${editor.url}/redfleet/context`, { method: "POST" })).status).toBe(401);
      expect((await write(person, [value])).status).toBe(204);
      expect(await outside.get("global", "'from.outside'")).toBeNull();
      expect(await (await write(person, 1)).json()).toEqual({
        code: "bad_context",
        message: "values: must be a list of {scope, key, value}",
      });
      const bad = await write(person, [value, { scope: "global", key: "" }]);
      expect(bad.status).toBe(400);
      expect(await bad.json()).toEqual({
        code: "bad_context",
        message: "values[1]: must be {scope, key, value}, scope and key texts",
      });
    });
  },
);
