import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine } from "../support/engine.ts";
import { type FlowNode, tab } from "../support/flows.ts";
import { pause, until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { answering } from "./support/flows.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { startLoad } from "./support/load.ts";
import { type Runtime, start } from "./support/runtime.ts";

const WORKERS = ["r-0", "r-1", "r-2"];
const PROCESS = 'Buffer.constructor("return process")()';

/** `GET /mark` answers `mark`; `setup` runs when the flows start. */
function flows(mark: string, setup = ""): FlowNode[] {
  const [input, fn, output] = answering("t", "mark", "/mark", `msg.payload = "${mark}";`) as [
    ...[FlowNode, FlowNode, FlowNode],
  ];
  return [tab("t"), input, { ...fn, initialize: setup }, output];
}

const mark = async ({ url }: Runtime) => (await fetch(`${url}/mark`)).text();

describe.each([
  ["MongoDB", openMongodb],
  ["Valkey", openValkey],
])("a revision that ends processes, with flows in %s", (_, open) => {
  let lab: StoreLab;
  let editor: Runtime;
  let replicas: Runtime[];

  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    const kept = { ...lab.access, keepsData: true, restarts: true } as const;
    const flags = ["--max-old-space-size=100"];
    [editor, ...replicas] = (await Promise.all([
      start({ ...kept, role: "editor" }),
      ...WORKERS.map((worker) => start({ ...kept, role: "replica", worker, flags })),
    ])) as [Runtime, ...Runtime[]];
  });
  afterAll(async () => {
    await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
    await lab?.close();
  });

  const deploy = async (next: readonly FlowNode[]) => {
    const person = await Editor.login(editor);
    await person.load();
    return person.deploy(next);
  };
  /** The editor may end by it, too. */
  const deployBad = async (next: readonly FlowNode[]) => {
    const person = await Editor.login(editor);
    await person.load();
    await person.tryDeploy(next).catch(() => undefined);
  };
  const serveEverywhere = async (wanted: string) => {
    const serves = async (one: Runtime) => (await mark(one)) === wanted;
    for (const one of replicas) await until(`${one.worker} serves ${wanted}`, () => serves(one));
  };
  const deaths = async ({ id }: Runtime) =>
    (await engine.getContainer(id).inspect()).RestartCount as number;
  const allDeaths = () => Promise.all(replicas.map(deaths));
  const errorOf = async (one: Runtime) => (await one.status()).error;
  /** Waits until every replica is held, and says so. @returns who ended. */
  const held = async (revision: number) => {
    const text = new RegExp(`^held: revision ${revision} ended (\\S+) while it was applied$`);
    const all = async () => {
      const said = await Promise.all(replicas.map((one) => errorOf(one).catch(() => undefined)));
      const found = said.map((error) => text.exec(error ?? "")?.[1]);
      return found.every(Boolean) && found;
    };
    return until("all replicas are held", all, { seconds: 60 });
  };

  it("ends one replica, once; the others go on with the one before", async () => {
    const before = await deploy(flows("good"));
    await serveEverywhere("good");
    const deathsBefore = await allDeaths();
    const loads = replicas.map(({ url }) => startLoad(`${url}/mark`, 2));
    await deployBad(flows("bad", `${PROCESS}.exit(0);`));
    const [canary] = await held(before + 1);
    await pause(1000);
    const results = await Promise.all(loads.map((load) => load.stop()));
    const after = await allDeaths();
    for (const [index, { worker }] of replicas.entries()) {
      const died = worker === canary;
      expect(after[index], worker).toBe((deathsBefore[index] ?? 0) + Number(died));
      if (!died) expect(results[index]?.lost, worker).toEqual([]);
    }
    await serveEverywhere("good");
    for (const { health } of replicas) {
      expect((await fetch(`${health}/readyz`)).status).toBe(200);
      expect(await (await fetch(`${health}/metrics`)).text()).toMatch(/^redfleet_held\{.*\} 1$/m);
    }
  });

  it("leaves an editor that answers, shows why, and takes the next deploy", async () => {
    const safe =
      /^safe mode: flows do not run, with revision \d+ the process of \S+ ended; a deploy/;
    const answers = async () => safe.test((await errorOf(editor)) ?? "");
    await until("the editor is in safe mode", answers, { seconds: 60 });
    const shown = async () => (await editor.status()).replicas?.map(({ error }) => error);
    await until("it knows of its replicas", async () => (await shown())?.length === 3);
    for (const error of (await shown()) ?? []) expect(error).toMatch(/^held: revision/);
    const revision = await deploy(flows("better"));
    await Promise.all([editor, ...replicas].map((one) => one.reaches(revision)));
    await serveEverywhere("better");
    expect(await editor.status()).toMatchObject({ state: "running", revision });
  });

  it("is held, too, when it takes all of the heap", async () => {
    const exhaust = "const all = []; for (;;) all.push(new Array(1000).fill(all.length));";
    const deathsBefore = await allDeaths();
    await deployBad(flows("hungry", `if (cluster.type === "worker") { ${exhaust} }`));
    const { revision } = await editor.status();
    await held(revision ?? 0);
    const more = (await allDeaths()).map((count, index) => count - (deathsBefore[index] ?? 0));
    expect(more.toSorted()).toEqual([0, 0, 1]);
    await serveEverywhere("better");
    const next = await deploy(flows("modest"));
    await Promise.all(replicas.map((one) => one.reaches(next)));
    await serveEverywhere("modest");
  });

  it("is held when it ends them all a moment later, and all come back with the one before", async () => {
    const later = `setTimeout(() => ${PROCESS}.abort(), 300);`;
    const before = (await editor.status()).revision ?? 0;
    await deployBad(flows("late", later));
    await held(before + 1);
    await serveEverywhere("modest");
    const next = await deploy(flows("fixed"));
    await Promise.all(replicas.map((one) => one.reaches(next)));
  });

  it("is not what a replica is that was told to stop in the middle of a good one", async () => {
    const busy =
      'if (cluster.type === "worker") for (const end = Date.now() + 1500; Date.now() < end; );';
    const revision = await deploy(flows("slow", busy));
    await pause(500);
    await Promise.all(replicas.map((one) => one.restart()));
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("slow");
  });
});
