import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { answering, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";

const LABS = [
  ["MongoDB", openMongodb],
  ["Valkey", openValkey],
] as const;

const answers = (text: string) => [
  tab("t"),
  ...answering("t", "a", "/text", `msg.payload = "${text}";`),
];

describe.each<(typeof LABS)[number]>(LABS)("a flow store on %s that went back", (_, open) => {
  let lab: StoreLab;
  let editor: Runtime;
  let replica: Runtime;
  let person: Editor;

  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    const environment = { REDFLEET_POLL_SECONDS: "2" };
    [editor, replica] = await Promise.all([
      start({ ...lab.access, role: "editor", environment }),
      start({ ...lab.access, role: "replica", environment }),
    ]);
    person = await Editor.login(editor);
    await person.load();
  });
  afterAll(async () => {
    await Promise.all([editor?.remove(), replica?.remove()]);
    await lab?.close();
  });

  const serves = (text: string) =>
    until(`the replica serves ${text}`, async () => {
      const answer = await fetch(`${replica.url}/text`);
      return (await answer.text()) === text;
    });

  /** Messages to an open editor from now on. */
  const listen = async () => {
    const told: string[] = [];
    const socket = new WebSocket(`${editor.url.replace("http", "ws")}/comms`);
    socket.on("open", () => socket.send(JSON.stringify({ auth: person.token })));
    socket.on("message", (text) => told.push(String(text)));
    await until("it is connected", () => told.length > 0);
    socket.send(JSON.stringify({ subscribe: "notification/#" }));
    return { told, end: () => socket.close() };
  };

  it("gets back from the editor what it has lost, and everybody stays on it", async () => {
    await person.deploy(answers("one"));
    const goBack = await lab.snapshot();
    await person.deploy(answers("two"));
    const lost = await person.deploy(answers("three"));
    await replica.reaches(lost);
    const { told, end } = await listen();
    await goBack();
    await replica.reaches(lost - 1);
    await serves("three");
    const text = `The flow store had lost revision ${lost}. What runs here is stored again, as revision ${lost - 1}.`;
    await until("an open editor tells", () => told.some((message) => message.includes(text)));
    end();
    expect(await editor.logs()).toContain(`"lost":${lost}`);
  });

  it("takes the next save on what it has left, and the replica follows it", async () => {
    const goBack = await lab.snapshot();
    await person.deploy(answers("four"));
    await replica.reaches(await person.deploy(answers("five")));
    await goBack();
    await person.deploy(answers("six"));
    await serves("six");
    await person.deploy(answers("seven"));
    await serves("seven");
    const { revision } = await editor.status();
    await replica.reaches(revision ?? 0);
  });
});
