import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ValkeySettings } from "../../images/node-red/runtime/environment.ts";
import { documentedFor, measuredIn } from "../support/documented-metrics.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { pause, until } from "../support/wait.ts";
import { settingsOf, Worker } from "./support/context.ts";
import { addUser, Editor } from "./support/editor.ts";
import { metric } from "./support/metrics.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

/** `GET path` adds one to a counter of the shared context by `scope`, and answers it. */
function counting(id: string, path: string, scope: "flow" | "global" | "context"): FlowNode[] {
  const [input, fn, output] = answering(id, `${id}-${scope}`, path, "");
  const func = `
    ${scope}.get("count.of['all calls']", "shared", (error, count) => {
      if (error) return node.error(error, msg);
      msg.payload = String((count || 0) + 1);
      ${scope}.set("count.of['all calls']", (count || 0) + 1, "shared", (failed) => {
        if (failed) node.error(failed, msg);
        else node.send(msg);
      });
    });`;
  return [input, { ...fn, func }, output];
}

const everything = (id: string): FlowNode[] => [
  tab(id),
  ...counting(id, `/${id}/flow`, "flow"),
  ...counting(id, `/${id}/global`, "global"),
  ...counting(id, `/${id}/node`, "context"),
];

describe.each<Major>([5, 4])("shared context in flows of Node-RED %i", (major) => {
  const database = `context-${major}`;
  let mongodb: LocalReplicaSet;
  let group: ValkeyGroup;
  let settings: ValkeySettings;
  let editor: Runtime;
  let replicas: Runtime[];
  let person: Editor;
  let outside: Worker;

  beforeAll(async () => {
    [mongodb, group] = await Promise.all([startReplicaSet(), new ValkeyGroup().open()]);
    await addUser(mongodb.client, database, "admin");
    settings = settingsOf(group);
    const common = { uri: mongodb.uri, database, major, valkey: settings };
    const synchronous = {
      REDFLEET_CONTEXT_DEFAULT: "shared",
      REDFLEET_CONTEXT_SYNCHRONOUS: "true",
    } as const;
    [editor, ...replicas] = (await Promise.all([
      start({ ...common, role: "editor", environment: synchronous }),
      start({ ...common, role: "replica", worker: "r0" }),
      start({ ...common, role: "replica", worker: "r1", environment: synchronous }),
    ])) as [Runtime, Runtime, Runtime];
    person = await Editor.login(editor);
    await person.load();
    outside = await new Worker(settings).ready();
  });
  afterAll(async () => {
    await outside?.close();
    await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
    await Promise.all([group?.close(), mongodb?.close()]);
  });

  const deploy = async (flows: FlowNode[]) => {
    const revision = await person.deploy(flows);
    await Promise.all(replicas.map((replica) => replica.reaches(revision)));
  };
  const ask = async (replica: number, path: string) =>
    (await fetch(`${replicas[replica]?.url}${path}`)).text();

  it("is one for all replicas, in each scope", async () => {
    await deploy([...everything("t1"), ...everything("t2")]);
    for (const scope of ["flow", "node"]) {
      expect(await ask(0, `/t1/${scope}`)).toBe("1");
      expect(await ask(1, `/t1/${scope}`)).toBe("2");
      expect(await ask(0, `/t2/${scope}`)).toBe("1");
    }
    expect(await ask(0, "/t1/global")).toBe("1");
    expect(await ask(1, "/t2/global")).toBe("2");
  });

  it("is read without waiting where it is set so", async () => {
    const now = answering(
      "t3",
      "now",
      "/now",
      "msg.payload = String(global.get(\"count.of['all calls']\"));",
    );
    await deploy([...everything("t1"), ...everything("t2"), tab("t3"), ...now]);
    const count = await ask(0, "/t1/global");
    await until("the copy has it", async () => (await ask(1, "/now")) === count);
    // On the other replica the default is its own memory.
    expect(await ask(0, "/now")).toBe("undefined");
  });

  it("shows in the editor's context sidebar", async () => {
    const answer = await person.call("/context/global?store=shared");
    expect(await answer.json()).toMatchObject({ shared: { count: { format: "Object" } } });
  });

  it("loses the context of removed nodes, and no other", async () => {
    await outside.set("of-somebody-else", "a", 1);
    const stranger = await new Worker({ ...settings, prefix: `nr:other-${major}:` }).ready();
    await stranger.set("t1", "a", "another cluster's");
    await deploy(everything("t2"));
    const gone = async (scope: string) => ((await outside.keys(scope)) as string[]).length === 0;
    await until(
      "the context of t1 is gone",
      async () => (await gone("t1")) && (await gone("t1-context-fn:t1")),
    );
    await pause(500);
    expect(await ask(1, "/t2/flow")).toBe("2");
    expect(await ask(1, "/t2/node")).toBe("2");
    expect(await outside.get("global", "count.of['all calls']")).toBeGreaterThan(2);
    expect(await stranger.get("t1", "a")).toBe("another cluster's");
    await stranger.close();
  });

  it("measures what docs/metrics.md says of clusters", async () => {
    const measured = async ({ health }: Runtime) =>
      measuredIn(await (await fetch(`${health}/metrics`)).text());
    expect(await measured(replicas[0] as Runtime)).toEqual(documentedFor("all", "clusters"));
    expect(await measured(editor)).toEqual(documentedFor("all", "clusters", "editors"));
  });

  it("says in its metrics what the context costs", async () => {
    const value = (name: string) => metric(replicas[0] as Runtime, `context_${name}`);
    const [calls = 0, seconds = 0] = await Promise.all(
      ["count", "sum"].map((end) => value(`duration_seconds_${end}`)),
    );
    expect(calls).toBeGreaterThan(5);
    expect(seconds).toBeGreaterThan(0);
    await ask(0, "/t2/flow");
    expect(await value("duration_seconds_count")).toBeGreaterThan(calls);
    expect(await value("duration_seconds_sum")).toBeGreaterThan(seconds);
    const [operations, all] = [value("operations_total"), value("duration_seconds_count")];
    expect(await operations).toBeGreaterThanOrEqual(await all);
    expect(await value("failures_total")).toBe(0);
  });
});
