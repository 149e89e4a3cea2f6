import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { answering } from "./support/flows.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

let mongodb: LocalReplicaSet;
beforeAll(async () => {
  mongodb = await startReplicaSet();
});
afterAll(() => mongodb?.close());

/** A function whose code ends the process 100 ms after it has started, as an exhausted heap does. */
function ending(): FlowNode[] {
  const [input, fn, output] = answering("t", "end", "/end", "") as [FlowNode, FlowNode, FlowNode];
  const initialize = 'setTimeout(() => Buffer.constructor("return process")().abort(), 100);';
  return [tab("t"), input, { ...fn, initialize }, output];
}

describe.each<Major>([5, 4])("boot loops on Node-RED %i", (major) => {
  const database = `boots-${major}`;
  const running: Runtime[] = [];
  const begin = async (role: "instance" | "editor" | "replica") => {
    const kept = { keepsData: true, restarts: true };
    const runtime = await start({ major, uri: mongodb.uri, database, role, ...kept });
    running.push(runtime);
    return runtime;
  };
  beforeAll(() => addUser(mongodb.client, database, "admin"));
  afterAll(() => Promise.all(running.map((runtime) => runtime.remove())));

  const inSafeMode = (runtime: Runtime) =>
    until(
      "safe mode",
      async () => {
        const { state, error } = await runtime.status();
        return state === "error" && error?.startsWith("safe mode: ") && error;
      },
      { seconds: 150 },
    ).catch(async (error) => {
      throw new Error((await runtime.logs()).slice(-4000), { cause: error });
    });

  it("goes into safe mode, tells why, and leaves it by a deploy", async () => {
    const [editor, replica] = await Promise.all([begin("editor"), begin("replica")]);
    const person = await Editor.login(editor);
    await person.load();
    await person.deploy(ending());
    for (const runtime of [editor, replica]) {
      expect(await inSafeMode(runtime)).toMatch(
        /flows do not run, with revision 1 the process ended 5 times, after \d+\.\d s on average; a deploy starts them/,
      );
    }
    const again = await Editor.login(editor);
    expect(await again.load()).toHaveLength(4);
    const revision = await again.deploy([
      tab("t"),
      ...answering("t", "a", "/a", "msg.payload = 1;"),
    ]);
    await Promise.all([editor.reaches(revision), replica.reaches(revision)]);
    expect(await (await fetch(`${replica.url}/a`)).text()).toBe("1");
    expect(await editor.status()).toMatchObject({ state: "running" });
    await editor.restart();
    expect(await editor.status()).toMatchObject({ state: "running", revision });
  });
});
