import { afterAll, beforeAll, expect, it } from "vitest";
import { answering, answersBy, type FlowNode, tab } from "../support/flows.ts";
import { nodeModule } from "../support/npm-packages.ts";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, type StoreLab } from "./support/labs.ts";
import { using } from "./support/modules.ts";
import { type Runtime, start } from "./support/runtime.ts";

/** Lets the next start of flows fail where Node-RED expects no failure: it never says that it is over. */
const TRAP = `RED.events.once("flows:starting", () => { throw new Error("a module's own error"); })`;

let lab: StoreLab;
let registry: NpmRegistry;
let editor: Runtime;
let replica: Runtime;
let person: Editor;

beforeAll(async () => {
  [lab, registry] = await Promise.all([openMongodb(), startNpmRegistry()]);
  registry.publish(nodeModule("node-red-contrib-trap", "1.0.0", "trap", `(${TRAP}, "set")`));
  await lab.addUser("admin", "admin");
  const { files, environment } = using(registry);
  const common = { ...lab.access, files, keepsData: true };
  [editor, replica] = await Promise.all([
    start({ ...common, environment, role: "editor" }),
    start({
      ...{ ...common, role: "replica" },
      environment: { ...environment, REDFLEET_POLL_SECONDS: "5" },
    }),
  ]);
  person = await Editor.login(editor);
  await person.load();
});
afterAll(async () => {
  await Promise.all([editor?.remove(), replica?.remove()]);
  await Promise.all([lab?.close(), registry?.close()]);
});

const flows = (text: string): FlowNode[] => {
  const answers = answering("t", "a", "/text", `msg.payload = "${text}";`);
  return [tab("t"), ...answersBy("t", "/trap", "trap"), ...answers];
};

const ask = async (path: string) => (await fetch(`${replica.url}${path}`)).text();
const ready = async () => (await fetch(`${replica.health}/readyz`)).ok;

it("is not ready when Node-RED did not start its flows, says why, and starts all of them anew", async () => {
  const module = { module: "node-red-contrib-trap", version: "1.0.0" };
  const installed = await person.call("/nodes", { method: "POST", body: JSON.stringify(module) });
  expect(installed.status, await installed.text()).toBe(200);
  await replica.reaches(await person.deploy(flows("one")), 60);
  expect(await ask("/trap")).toBe("set");
  const revision = await person.deploy(flows("two"));
  // Node-RED has its whole time, which no setting shortens.
  await until("it is not ready", async () => !(await ready()), { seconds: 60, every: 100 });
  const { state, error } = await replica.status();
  expect({ state, error }).toEqual({
    state: "error",
    error: `revision ${revision}: Node-RED did not say within 30 s that the flows have started`,
  });
  await replica.reaches(revision, 60);
  expect(await ready()).toBe(true);
  expect(await ask("/text")).toBe("two");
  const logs = await replica.logs();
  expect(logs).toContain("a module's own error");
  expect(logs).toContain("a revision was not applied, what runs is not known");
});
