import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exec } from "../../cli/engine/exec.ts";
import { engine } from "../support/engine.ts";
import { answering, answersBy, tab } from "../support/flows.ts";
import { nodeModule } from "../support/npm-packages.ts";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { using } from "./support/modules.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

let registry: NpmRegistry;
beforeAll(async () => {
  registry = await startNpmRegistry();
  registry.publish(nodeModule("node-red-contrib-stamp", "1.0.0", "stamp", '"stamp 1"'));
  registry.publish(helper("1.0.0"));
  registry.publish({ ...helper("3.0.0"), name: "function-helper" });
  for (const major of [4, 5]) {
    registry.publish(nodeModule(`late-stamp-${major}`, "1.0.0", "late", '"late"'));
  }
  const needs = { dependencies: { "stamp-helper": "^1.0.0" } };
  const helped = 'require("stamp-helper")';
  registry.publish(nodeModule("@acme/scoped-stamp", "2.1.0", "scoped", helped, needs));
  registry.publish(nodeModule("node-red-contrib-stamp", "1.1.0", "stamp", '"stamp 1.1"'));
});
afterAll(() => registry?.close());

function helper(version: string) {
  const files = { "index.js": `module.exports = "helped by ${version}";` };
  return { name: "stamp-helper", version, manifest: { main: "index.js" }, files };
}

/** http in → the type under test → http response. */
const usesType = (type: string, path: string) => [tab("t"), ...answersBy("t", path, type)];

const LIST_SETS = ["ls", "-A", "/data/packages"];

const ask = async (runtime: Runtime, path: string) => (await fetch(`${runtime.url}${path}`)).text();

const install = (person: Editor, module: string, version: string) =>
  person.call("/nodes", { method: "POST", body: JSON.stringify({ module, version }) });

const clusters: [Major, string, () => Promise<StoreLab>][] = [
  [5, "MongoDB", openMongodb],
  [4, "Valkey", openValkey],
];

describe.each(clusters)("packages on Node-RED %i and %s", (major, _, open) => {
  let lab: StoreLab;
  let editor: Runtime;
  let replicas: Runtime[];
  let person: Editor;
  /** A revision that needs the scoped module. */
  let withScoped: number;

  const common = () => {
    const { files, environment } = using(registry);
    const more = { REDFLEET_FUNCTION_MODULES: "function-helper", REDFLEET_POLL_SECONDS: "5" };
    return {
      ...{ files, environment: { ...environment, ...more } },
      ...{ major, ...lab.access, keepsData: true, memoryMb: 320 },
    };
  };
  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    [editor, ...replicas] = (await Promise.all([
      start({ ...common(), role: "editor" }),
      ...["r-0", "r-1"].map((worker) => start({ ...common(), role: "replica", worker })),
    ])) as [Runtime, Runtime, Runtime];
    person = await Editor.login(editor);
    await person.load();
  });
  afterAll(async () => {
    await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
    await lab?.close();
  });

  const onAll = async (revision: number) => {
    for (const replica of replicas) await replica.reaches(revision, 60);
  };
  const asksAll = (path: string) => Promise.all(replicas.map((replica) => ask(replica, path)));

  /** What this cluster has: its revisions with their digests, which of them each worker runs, and its sets. */
  const kept = async () => {
    const all = [editor, ...replicas];
    const command = ["node", "/app/runtime/revisions.ts", "list"];
    return {
      revisions: JSON.parse((await exec(engine, editor.id, command)).stdout),
      runs: await Promise.all(all.map(async ({ status }) => (await status()).revision)),
      sets: await Promise.all(
        all.map(async ({ id }) => (await exec(engine, id, LIST_SETS)).stdout),
      ),
    };
  };

  it("brings an installed module to every replica before the flow that uses it", async () => {
    const { revision: before } = await editor.status();
    const answer = await install(person, "node-red-contrib-stamp", "1.0.0");
    expect(await answer.json()).toMatchObject({ name: "node-red-contrib-stamp", version: "1.0.0" });
    // The install is a revision of its own: all have the module before anybody uses it.
    await onAll((before ?? 0) + 1);
    await onAll(await person.deploy(usesType("stamp", "/stamp")));
    expect(await asksAll("/stamp")).toEqual(["stamp 1", "stamp 1"]);
  });

  it("brings a scoped module with its dependency, also when the flow comes at once", async () => {
    const answer = await install(person, "@acme/scoped-stamp", "2.1.0");
    expect(answer.status).toBe(200);
    registry.publish(helper(`1.${10 - major}.0`));
    withScoped = await person.deploy(usesType("scoped", "/scoped"));
    await onAll(withScoped);
    // The lock holds: a newer version of the dependency came meanwhile, and nobody has it.
    const locked = await ask(editor, "/red-nodes/scoped");
    expect(locked).toBe(major === 5 ? "helped by 1.0.0" : "helped by 1.5.0");
    expect(await asksAll("/scoped")).toEqual([locked, locked]);
  });

  it("exchanges a module for another version without a restart", async () => {
    await onAll(await person.deploy(usesType("stamp", "/stamp")));
    const answer = await install(person, "node-red-contrib-stamp", "1.1.0");
    expect(answer.status).toBe(200);
    await until("the replicas run the new code", async () =>
      (await asksAll("/stamp")).every((text) => text === "stamp 1.1"),
    );
    // The set with which the first version came alone: the other module came with the one before this.
    await until("the replicas keep what is in use", async () => {
      const lists = await Promise.all(replicas.map(({ id }) => exec(engine, id, LIST_SETS)));
      const kept = lists.map(({ stdout }) => stdout.trim().split("\n").length);
      if (kept.some((count) => count !== 2)) throw new Error(`${kept.join(" and ")} sets`);
      return true;
    });
  });

  it("leaves another cluster on the same servers alone, whose module is another version", async () => {
    const beside = lab.beside();
    await beside.addUser("admin", "admin");
    const theirs = { ...common(), ...beside.access };
    const before = await kept();
    const strangers = await Promise.all([
      start({ ...theirs, role: "editor" }),
      start({ ...theirs, role: "replica", worker: "r-0" }),
    ]);
    try {
      const stranger = await Editor.login(strangers[0]);
      await stranger.load();
      expect((await stranger.call("/nodes/node-red-contrib-stamp")).status).toBe(404);
      const answer = await install(stranger, "node-red-contrib-stamp", "1.0.0");
      expect(answer.status).toBe(200);
      await strangers[1].reaches(await stranger.deploy(usesType("stamp", "/stamp")), 60);
      expect(await ask(strangers[1], "/stamp")).toBe("stamp 1");
      expect(await kept()).toEqual(before);
      expect(await asksAll("/stamp")).toEqual(["stamp 1.1", "stamp 1.1"]);
    } finally {
      await Promise.all(strangers.map((runtime) => runtime.remove()));
    }
  });

  it("gives function nodes the modules that they may have, and refuses the others", async () => {
    const withModule = (helper: string) => [
      tab("t"),
      ...answering("t", "libs", "/libs", "msg.payload = helper;", { helper }),
    ];
    const refused = await person.tryDeploy(withModule("child_process"));
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("child_process (not allowed here)");
    await onAll(await person.deploy(withModule("function-helper")));
    expect(await asksAll("/libs")).toEqual(["helped by 3.0.0", "helped by 3.0.0"]);
  });

  it("keeps the revision before where a module cannot be installed, and says so", async () => {
    await onAll(await person.deploy(usesType("stamp", "/stamp")));
    const answer = await install(person, `late-stamp-${major}`, "1.0.0");
    registry.breakDown(true);
    expect(answer.status).toBe(200);
    const seen = await until("the editor knows why", async () => {
      const { replicas: all } = await editor.status();
      return all?.every(({ error }) => error?.includes("modules could not be installed")) && all;
    });
    expect(seen).toHaveLength(2);
    expect(await asksAll("/stamp")).toEqual(["stamp 1.1", "stamp 1.1"]);
    registry.breakDown(false);
    await until(
      "they have caught up",
      async () => {
        const { revision, replicas: all } = await editor.status();
        return all?.every((replica) => !replica.error && replica.revision === revision);
      },
      { seconds: 60 },
    );
  });

  it("starts with what is installed, also with the registry away", async () => {
    registry.breakDown(true);
    const { revision } = await editor.status();
    await replicas[0]?.restart();
    await onAll(revision ?? 0);
    expect(await asksAll("/stamp")).toEqual(["stamp 1.1", "stamp 1.1"]);
    registry.breakDown(false);
  });

  it("gives an editor with an empty folder its modules back", async () => {
    await editor.signal("SIGTERM");
    await editor.ended();
    await editor.remove();
    editor = await start({ ...common(), role: "editor" });
    person = await Editor.login(editor);
    await person.load();
    expect(await editor.status()).toMatchObject({ state: "running" });
    expect(await ask(editor, "/red-nodes/stamp")).toBe("stamp 1.1");
  });

  it("takes an uninstalled module away from everybody", async () => {
    const { revision } = await editor.status();
    const answer = await person.call("/nodes/@acme/scoped-stamp", { method: "DELETE" });
    expect(answer.status).toBe(204);
    await onAll((revision ?? 0) + 1);
    expect(await asksAll("/stamp")).toEqual(["stamp 1.1", "stamp 1.1"]);
  });

  it("gives everybody an uninstalled module back with a revision that needs it", async () => {
    const command = ["node", "/app/runtime/revisions.ts", "rollback", String(withScoped)];
    const { code, stdout, stderr } = await exec(engine, editor.id, command);
    expect(code, stderr).toBe(0);
    const { revision } = JSON.parse(stdout) as { revision: number };
    await Promise.all([editor, ...replicas].map((runtime) => runtime.reaches(revision, 60)));
    const seen = await ask(editor, "/red-nodes/scoped");
    expect(seen).toMatch(/^helped by/);
    expect(await asksAll("/scoped")).toEqual([seen, seen]);
    await person.load();
    await onAll(await person.deploy(usesType("scoped", "/again")));
    expect(await asksAll("/again")).toEqual([seen, seen]);
  });
});
