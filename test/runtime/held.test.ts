import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exec } from "../../cli/engine/exec.ts";
import { engine } from "../support/engine.ts";
import { answering, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { pause, until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { type Runtime, start } from "./support/runtime.ts";

/** Between two checks; the engine leaves five seconds. The seventh finds that half a minute has gone. */
const INTERVAL_MS = 4500;
const CHECKS = 7;

const THROW = 'setTimeout(() => { throw new Error("thrown"); }, 50)';

const FLOWS = [
  tab("t"),
  ...answering("t", "fast", "/fast", 'msg.payload = "fast";'),
  ...answering("t", "slow", "/slow", "await new Promise(() => {});"),
  ...answering("t", "loop", "/loop", "const held = () => { for (;;); }; held();"),
  // A function of the process itself: Node-RED catches what its own timers throw.
  ...answering("t", "throws", "/throws", `Buffer.constructor(${JSON.stringify(THROW)})();`),
];

let mongodb: LocalReplicaSet;
const running: Runtime[] = [];

/** A runtime with a database of its own and the flows above. */
async function serving(database: string): Promise<Runtime> {
  await addUser(mongodb.client, database, "admin");
  const runtime = await start({ uri: mongodb.uri, database, role: "instance", secret: null });
  running.push(runtime);
  const person = await Editor.login(runtime);
  await person.load();
  await person.deploy(FLOWS);
  expect((await fetch(`${runtime.url}/fast`)).status).toBe(200);
  return runtime;
}

const ask = (runtime: Runtime, path: string) =>
  fetch(runtime.url + path).then(
    async (answer) => `${answer.status} ${await answer.text()}`,
    () => "no answer",
  );

/** Runs the check as often as the engine does in half a minute; what it said. */
async function watched(runtime: Runtime, checks: number): Promise<string> {
  let said = "";
  for (let at = 0; at < checks; at += 1) {
    said += await runtime.check();
    await pause(INTERVAL_MS);
  }
  return said;
}

const send = (runtime: Runtime, signal: string) =>
  exec(engine, runtime.id, [
    "sh",
    "-c",
    `read -r _ pid </tmp/redfleet-alive; kill -${signal} $pid`,
  ]);

beforeAll(async () => {
  mongodb = await startReplicaSet();
});
afterAll(async () => {
  await Promise.all(running.map((runtime) => runtime.remove()));
  await mongodb?.close();
});

describe.concurrent("a process whose event loop is held", () => {
  it("ends by itself, names the node, and answers what it had begun", async () => {
    const runtime = await serving("held-loop");
    const begun = [ask(runtime, "/slow"), ask(runtime, "/loop")];
    await pause(1000);
    await watched(runtime, CHECKS);
    // By itself, or killed: on a busy machine it gets there before the check that woke it does.
    expect([1, 137]).toContain(await runtime.ended());
    const logs = await runtime.logs();
    expect(logs).toContain("the event loop was held for 30 s");
    expect(logs).toMatch(/held \(Function node:loop-fn/);
    for (const answer of await Promise.all(begun)) {
      expect(answer).toBe("500 The process ended while it worked on this request\n");
    }
  });

  it("is killed when it is not JavaScript that holds it", async () => {
    const runtime = await serving("held-outside");
    await send(runtime, "STOP");
    expect(await watched(runtime, CHECKS)).toContain("the process is killed");
    expect(await runtime.ended()).toBe(137);
    expect(await runtime.logs()).toContain("the process is killed");
  });

  it("lives when it was suspended, however long, as long as it goes on afterwards", async () => {
    const runtime = await serving("held-suspended");
    expect(await runtime.check()).toBe("");
    await send(runtime, "STOP");
    await pause(36_000);
    // The first check may come before the process goes on.
    expect(await runtime.check()).toBe("");
    await send(runtime, "CONT");
    await until("it to answer", async () => (await fetch(`${runtime.url}/fast`)).ok);
    expect(await watched(runtime, 2)).toBe("");
    expect(await runtime.running()).toBe(true);
  });

  it("answers what it had begun when a flow throws out of its turn", async () => {
    const runtime = await serving("held-throws");
    const begun = ask(runtime, "/slow");
    await pause(500);
    await ask(runtime, "/throws");
    expect(await runtime.ended()).toBe(1);
    expect(await runtime.logs()).toContain("thrown");
    expect(await begun).toMatch(/^500 /);
  });
});
