import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { report } from "../support/report.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

const MEGABYTE = 1024 * 1024;

const clusters: [Major, string, () => Promise<StoreLab>][] = [
  [5, "MongoDB", () => openMongodb()],
  [4, "Valkey", () => openValkey()],
];

/** A node that holds a text and does nothing. */
const comment = (id: string, info: string): FlowNode => ({
  ...{ id, type: "comment", z: "t", info },
  ...{ x: 1, y: 1 },
});

/** A tab that answers `text` on /text. */
const says = (text: string) => [
  tab("t"),
  ...answering("t", "a", "/text", `msg.payload = "${text}";`),
];

describe.each(clusters)("large flow sets on Node-RED %i and %s", (major, store, openStore) => {
  let lab: StoreLab;
  let editor: Runtime;
  let replicas: Runtime[];
  let person: Editor;

  beforeAll(async () => {
    lab = await openStore();
    await lab.addUser("admin", "admin");
    const common = { major, ...lab.access };
    [editor, ...replicas] = (await Promise.all([
      start({ ...common, role: "editor" }),
      ...["r-0", "r-1"].map((worker) => start({ ...common, role: "replica", worker })),
    ])) as [Runtime, Runtime, Runtime];
    person = await Editor.login(editor);
    await person.load();
  });
  afterAll(async () => {
    await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
    await lab?.close();
  });

  const texts = () =>
    Promise.all(replicas.map(async ({ url }) => (await fetch(`${url}/text`)).text()));
  const onAll = async (revision: number) => {
    for (const replica of replicas) await replica.reaches(revision);
  };

  it("of 20 MB are taken from an editor, and every replica runs them", async () => {
    const notes = Array.from({ length: 20 * 1024 }, (_, index) =>
      comment(`note-${index}`, randomBytes(480).toString("hex")),
    );
    const flows = [...says("large"), ...notes];
    expect(JSON.stringify(flows).length).toBeGreaterThan(20 * MEGABYTE);
    const begin = performance.now();
    await onAll(await person.deploy(flows));
    report(`${store}: 20 MB of flows, save → all replicas serve`, performance.now() - begin, "ms");
    expect(await texts()).toEqual(["large", "large"]);
    expect(await person.load()).toHaveLength(flows.length);
  });

  it("that the store cannot hold are refused as too large, and what runs stays", async () => {
    const before = await person.deploy(says("before"));
    await onAll(before);
    // Base64 of random bytes shrinks by a quarter, which leaves more than the 15 MB that a store holds.
    const note = comment("note", randomBytes(17 * MEGABYTE).toString("base64"));
    const answer = await person.tryDeploy([...says("after"), note]);
    expect(answer.status).toBe(413);
    const { code, message } = (await answer.json()) as { code: string; message: string };
    expect(code).toBe("too_large");
    expect(message).toMatch(
      /^the flows take \d+ bytes compressed; the flow store holds at most \d+$/,
    );
    expect((await editor.status()).revision).toBe(before);
    expect(await texts()).toEqual(["before", "before"]);
    await onAll(await person.deploy(says("after")));
    expect(await texts()).toEqual(["after", "after"]);
  });
});
