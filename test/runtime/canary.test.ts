import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlowStore } from "../../images/node-red/runtime/store/types.ts";
import { engine } from "../support/engine.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { report } from "../support/report.ts";
import { pause, until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { startLoad } from "./support/load.ts";
import { type Runtime, start } from "./support/runtime.ts";
import { openStoreOf } from "./support/stores.ts";

const WORKERS = ["r-0", "r-1", "r-2"];
const PROCESS = 'Buffer.constructor("return process")()';
/** As a platform has it, but quicker to look again. */
const ENVIRONMENT = { REDFLEET_DRAIN_SECONDS: "5", REDFLEET_POLL_SECONDS: "2" };

/** What only replicas do. */
const inReplicas = (code: string) => `if (cluster.type === "worker") { ${code} }`;
const busy = (ms: number) => `for (const end = Date.now() + ${ms}; Date.now() < end; );`;

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
])("a revision that ends processes, with flows in %s", (name, open) => {
  let lab: StoreLab;
  let store: FlowStore;
  let editor: Runtime;
  let replicas: Runtime[];

  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    const kept = { ...lab.access, keepsData: true, restarts: true, environment: ENVIRONMENT };
    const flags = ["--max-old-space-size=100"];
    [editor, ...replicas] = (await Promise.all([
      start({ ...kept, role: "editor" }),
      ...WORKERS.map((worker) => start({ ...kept, role: "replica", worker, flags })),
    ])) as [Runtime, ...Runtime[]];
    store = openStoreOf(lab.access);
    await store.connect(AbortSignal.timeout(20_000));
  });
  afterAll(async () => {
    await store?.close();
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

  const inSafeMode = async () => {
    const safe =
      /^safe mode: flows do not run, with revision \d+ the process of \S+ ended; a deploy/;
    const answers = async () => safe.test((await errorOf(editor)) ?? "");
    await until("the editor is in safe mode", answers, { seconds: 60 });
  };

  it("ends one replica, twice; the others go on with the one before", async () => {
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
      expect(after[index], worker).toBe((deathsBefore[index] ?? 0) + (died ? 2 : 0));
      if (!died) expect(results[index]?.lost, worker).toEqual([]);
    }
    await serveEverywhere("good");
    for (const { health } of replicas) {
      expect((await fetch(`${health}/readyz`)).status).toBe(200);
      expect(await (await fetch(`${health}/metrics`)).text()).toMatch(/^redfleet_held\{.*\} 1$/m);
    }
  });

  it("leaves an editor that answers, shows why, and takes the next deploy", async () => {
    await inSafeMode();
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
    await deployBad(flows("hungry", inReplicas(exhaust)));
    const { revision } = await editor.status();
    await held(revision ?? 0);
    const more = (await allDeaths()).map((count, index) => count - (deathsBefore[index] ?? 0));
    expect(more.toSorted()).toEqual([0, 0, 2]);
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
    await inSafeMode();
    const next = await deploy(flows("fixed"));
    await Promise.all(replicas.map((one) => one.reaches(next)));
  });

  const stopAll = () => Promise.all(replicas.map((one) => one.restart()));

  it("is not what a replica is that was told to stop in the middle of a good one", async () => {
    const revision = await deploy(flows("good", inReplicas(busy(1500))));
    await pause(500);
    await stopAll();
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("good");
  });

  // What workers do is the same on both, and what the record does is in the contract of flow stores.
  if (name !== "MongoDB") return;

  it("lets all go on to the newest revision before it, also those that had passed that one over", async () => {
    const slow = await deploy(flows("slow", inReplicas(busy(1500))));
    await pause(500);
    await deploy(flows("deadly", inReplicas(`${PROCESS}.exit(0);`)));
    await held(slow + 1);
    await serveEverywhere("slow");
  });

  it("lets all pass over one that cannot run here", async () => {
    const [tabNode, ...others] = flows("foreign") as [FlowNode, ...FlowNode[]];
    const foreign = { id: "x", type: "of-nowhere", z: "t", x: 1, y: 1, wires: [] };
    const revision = await deploy([tabNode, ...others, foreign]);
    const missing = `revision ${revision}: missing node types: of-nowhere`;
    const all = async () => (await Promise.all(replicas.map(errorOf))).every((e) => e === missing);
    await until("no replica can apply it", all);
    await deploy(flows("deadly", inReplicas(`${PROCESS}.exit(0);`)));
    await held(revision + 1);
    await serveEverywhere("slow");
  });

  it("is not one that comes while all replicas stop", async () => {
    const stopped = stopAll();
    await pause(500);
    const revision = await deploy(flows("last minute"));
    await stopped;
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("last minute");
  });

  it("is not one that runs when all processes are killed right after their start", async () => {
    const revision = await deploy(flows("killed"));
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    for (const { id } of replicas) await engine.getContainer(id).kill();
    for (const { id } of replicas) await engine.getContainer(id).start();
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("killed");
    const logs = await Promise.all(replicas.map((one) => one.logs()));
    expect(logs.join()).toContain("the last run ended while it applied a revision");
  });

  it("is not one whose first replica is killed while it applies it: all go on to it", async () => {
    const loads = replicas.map(({ url }) => startLoad(`${url}/mark`, 2));
    const revision = await deploy(flows("interrupted", inReplicas(busy(1500))));
    const tries = async () => {
      const found = (await store.trials.list()).find((trial) => trial.revision === revision);
      return found?.state === "trying" && replicas.find(({ worker }) => worker === found.worker);
    };
    const killed = await until("a replica tries it", tries, { every: 20 });
    const begin = performance.now();
    await engine.getContainer(killed.id).kill();
    await engine.getContainer(killed.id).start();
    // Less than the pause after which a held one is tried again.
    await Promise.all(replicas.map((one) => one.reaches(revision, 40)));
    report("replica killed in a trial: newest revision on all", performance.now() - begin, "ms");
    await serveEverywhere("interrupted");
    const results = await Promise.all(loads.map((load) => load.stop()));
    for (const [index, one] of replicas.entries()) {
      if (one !== killed) expect(results[index]?.lost, one.worker).toEqual([]);
    }
  });

  it("is tried again, and ends the editor's safe mode when it does no harm", async () => {
    const { revision = 0, writeId = "" } = (await store.read()) ?? {};
    const version = { revision, writeId };
    await store.trials.fail(version, "x", [0]);
    await store.trials.take(version, "x", 60_000);
    expect(await store.trials.fail(version, "x", [0])).toMatchObject({ state: "held" });
    await engine.getContainer(editor.id).restart({ t: 10 });
    await inSafeMode();
    const [one] = replicas as [Runtime];
    await one.restart();
    await Promise.all([editor, one].map((runtime) => runtime.reaches(revision)));
    expect(await editor.status()).toMatchObject({ state: "running", revision });
    expect(await mark({ ...editor, url: `${editor.url}/red-nodes` })).toBe("interrupted");
  });
});
